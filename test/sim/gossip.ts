/** Gossip of the simulated network: single messages that are delayed, lost, repeated and overtaken, and what nodes remember of them. */
import type { PeerId } from '../../protocols/network.js'
import type { Random } from '../support/random.js'
import type { VirtualWorld } from '../support/virtual-environment.js'
import type { SimulatedLinks } from './links.js'

/** How long gossip ids are remembered, so that what comes later comes again, in milliseconds: as gossipsub's seen cache does. */
const rememberMs = 4_000
/** Probability that a message is one of those that come late, while links let messages come late. */
const lateShare = 0.2

/** What gossip needs of the mesh. */
export interface GossipPaths {
  readonly world: VirtualWorld
  readonly random: Random
  readonly links: SimulatedLinks
  note(text: () => string): void
  /** A message arrives. */
  deliverGossip(from: PeerId, to: PeerId, id: string, bytes: Uint8Array): void
}

/** Sends messages along links. */
export class GossipRelay {
  /** When the last message that is under way arrives, in virtual milliseconds. */
  untilMs = 0
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
