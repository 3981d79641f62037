/**
 * Gossip of the fake network: single messages that are delayed, lost, repeated and overtaken, and what nodes remember
 * of them.
 */
import type { PeerId } from '../../../protocols/network.js'
import type { Random } from '../random.js'
import type { VirtualWorld } from '../virtual-environment.js'
import type { FakeLinks } from './links.js'

/**
 * Time for which gossip ids are remembered, in milliseconds, as in gossipsub's seen cache: what comes later comes
 * again.
 */
const rememberMs = 4_000
/** Probability that a message is one of those that come late, while links let messages come late. */
const lateShare = 0.2

/** Services of the mesh that gossip needs. */
export interface GossipPaths {
  readonly world: VirtualWorld
  readonly random: Random
  readonly links: FakeLinks
  note(text: () => string): void
  /** A message arrives. */
  deliverGossip(from: PeerId, to: PeerId, id: string, bytes: Uint8Array): void
}

/** Sends messages along links. */
export class GossipRelay {
  /** Time at which the last message that is under way arrives, in virtual milliseconds. */
  untilMs = 0
  /** Bytes of all messages that were sent along a link and not lost. */
  bytes = 0
  readonly #paths: GossipPaths

  constructor(paths: GossipPaths) {
    this.#paths = paths
  }

  /** Sends a message along one link: perhaps lost, perhaps twice, perhaps late. */
  send(from: PeerId, to: PeerId, id: string, bytes: Uint8Array): void {
    const { world, random, links } = this.#paths
    const { loss, duplication, lateMs } = links.quality
    if (random.chance(loss) || links.isHushed(from, to)) {
      this.#paths.note(() => `gossip ${id} from ${from} to ${to} is lost`)
      return
    }
    this.bytes += bytes.length
    const copies = random.chance(duplication) ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      const late = random.chance(lateShare) ? random.next() * lateMs : 0
      const delayMs = links.delayMs(from, to) + late
      this.untilMs = Math.max(this.untilMs, world.elapsedMs + delayMs)
      world.schedule(delayMs, () => this.#paths.deliverGossip(from, to, id, bytes))
    }
  }
}

/** The messages that a node remembers. */
export class GossipMemory {
  readonly #atMs = new Map<string, number>()

  /** Takes a message unless it is remembered; `again`: it came before, so long ago that it was forgotten. */
  take(id: string, nowMs: number): 'first' | 'again' | 'known' {
    const atMs = this.#atMs.get(id)
    if (atMs !== undefined && nowMs - atMs < rememberMs) return 'known'
    this.#atMs.set(id, nowMs)
    return atMs === undefined ? 'first' : 'again'
  }
}
