/**
 * A few replicas that write, gossip badly and sync, and an oracle outside of them that knows every update:
 * after each step it says whether any acknowledged write was lost anywhere.
 */
import { type Address, register } from '../../store/model/address.js'
import { type Dot, dotText } from '../../store/model/dot.js'
import type { Update } from '../../store/model/update.js'
import { type Broken, ModelReplica } from './model-replica.js'
import { Random } from './random.js'
import { ReferenceState } from './reference-state.js'
import { type BrokenSession, Duel, type DuelOptions, type DuelResult } from './sync-duel.js'

/** Rules that a world may break on purpose. */
export interface BrokenWorld extends Broken, BrokenSession {
  /** A gossiped update brings the sender's whole context. */
  readonly gossipCarriesContext?: boolean
}

/** Updates that a node writes under one id, and after how many its contexts count as settled. */
const runLength = 5
const settleAfter = 7

/** The shape of a world. */
export interface WorldOptions {
  readonly seed: number
  readonly nodes?: number
  readonly keys?: number
  readonly broken?: BrokenWorld
  /** Nodes have many runs, and name their contexts by tables. */
  readonly tables?: boolean
  /** The last node refuses values greater than this; some are. */
  readonly refuseBytes?: number
}

/** Thrown when the oracle finds fault. */
export class WorldViolation extends Error {}

/** The replicas and the oracle. */
export class SyncWorld {
  readonly random: Random
  readonly nodes: ModelReplica[]
  readonly updates: Update[] = []
  readonly #superseded = new Set<string>()
  readonly #keys: Address[]
  readonly #options: WorldOptions
  readonly #tables: Partial<DuelOptions>
  /** Updates that each node has written. */
  readonly #written: number[]
  readonly #broken: BrokenWorld

  constructor(options: WorldOptions) {
    const { seed, nodes = 3, keys = 8, broken = {} } = options
    this.#options = options
    this.#broken = broken
    this.random = new Random(seed)
    this.nodes = Array.from({ length: nodes }, () => new ModelReplica(broken))
    this.#written = this.nodes.map(() => 0)
    this.#tables = options.tables === true ? { tableActorsMin: 1 } : {}
    this.#keys = Array.from({ length: keys }, (_, at) => register(`key-${at}`))
  }

  /** A put or delete at a node, with what it has in view; some puts leave siblings alone. */
  write(at = this.random.below(this.nodes.length)): Update {
    const node = this.nodes[at]!
    const address = this.random.pick(this.#keys)
    const live = node.versionsAt(address).map((version) => version.dot)
    const deletes = live.length > 0 && this.random.chance(0.3)
    const supersedes: Dot[] = deletes ? live : live.filter(() => this.random.chance(0.8))
    const dot = this.#nextDot(at)
    const size = this.#options.refuseBytes !== undefined && this.random.chance(0.25) ? 40 : 8
    const update: Update = {
      dot,
      address,
      kind: deletes ? 'delete' : 'put',
      time: { ms: this.updates.length + 1, logical: 0 },
      expiresAtMs: null,
      value: deletes ? null : Buffer.from(`${this.updates.length}`.padEnd(size, '.')),
      supersedes,
    }
    this.updates.push(update)
    for (const dot of supersedes) this.#superseded.add(dotText(dot))
    node.applyNow([update])
    return update
  }

  /** Some update reaches some node, in any order, perhaps again. */
  gossip(): void {
    if (this.updates.length === 0) return
    const update = this.random.pick(this.updates)
    const to = this.random.below(this.nodes.length)
    const senders = this.nodes.filter((node) => node.applied.has(update.dot))
    if (senders.length === 0 || (update.value?.length ?? 0) > this.#valueBytesMax(to)) return
    this.nodes[to]!.applyNow([update])
    if (this.#broken.gossipCarriesContext) this.nodes[to]!.uniteNow(this.random.pick(senders).capture())
  }

  /** A node's log forgets some of what is not live; sometimes, as damage does, of what is. */
  truncate(): void {
    this.random.pick(this.nodes).truncate(() => this.random.chance(0.7), this.random.chance(0.4))
  }

  /** A session between two nodes; `duel` may cut it or let things happen in between. */
  sync(a: number, b: number, duel: Partial<DuelOptions> = {}): DuelResult {
    const valueBytesMax = [this.#valueBytesMax(a), this.#valueBytesMax(b)] as const
    const options = { random: this.random, broken: this.#broken, valueBytesMax, ...this.#tables, ...duel }
    return new Duel(this.nodes[a]!, this.nodes[b]!, options).run()
  }

  /** Two different nodes. */
  pair(): [number, number] {
    const a = this.random.below(this.nodes.length)
    return [a, (a + 1 + this.random.below(this.nodes.length - 1)) % this.nodes.length]
  }

  /** Throws a Violation when an acknowledged write was lost at any node, or a context claims what it may not. */
  check(): void {
    for (const [at, node] of this.nodes.entries()) {
      for (const update of this.updates) {
        const { dot, address } = update
        const mustLive = update.kind === 'put' && !this.#superseded.has(dotText(dot))
        if (mustLive && node.seen.has(dot) && !node.isLive(dot, address)) {
          throw new WorldViolation(`lost at node ${at}: ${dotText(dot)}`)
        }
        if (node.applied.has(dot) && !update.supersedes.every((other) => node.seen.has(other))) {
          throw new WorldViolation(`node ${at} claims to have applied ${dotText(dot)}`)
        }
      }
      for (const { address, versions } of node.entries.values()) {
        for (const { dot } of versions) {
          if (!node.seen.has(dot)) throw new WorldViolation(`node ${at} shows ${dotText(dot)} at ${address.key} unseen`)
        }
      }
      if (!node.seen.covers(node.applied)) throw new WorldViolation(`node ${at}: applied beyond seen`)
    }
  }

  /** Throws a Violation unless every node holds what applying all updates gives: nothing lost, no false sibling. */
  checkConverged(): void {
    const reference = new ReferenceState()
    for (const update of this.updates) reference.apply(update)
    for (const [at, node] of this.nodes.entries()) {
      const mine = new ReferenceState()
      for (const [key, entry] of node.entries) mine.entries.set(key, entry)
      if (!reference.sameEntries(mine)) {
        throw new WorldViolation(`node ${at} differs: ${this.#shown(mine)} instead of ${this.#shown(reference)}`)
      }
      if (!node.seen.equals(this.nodes[0]!.seen)) throw new WorldViolation(`contexts of node ${at} and node 0 differ`)
    }
  }

  /** With tables, nodes have many runs. */
  #nextDot(at: number): Dot {
    const written = this.#written[at]!++
    if (this.#options.tables !== true) return { actor: `${at + 1}`.padStart(16, 'a'), counter: written + 1 }
    if (written % settleAfter === 0) this.nodes[at]!.settle()
    const run = Math.floor(written / runLength)
    return { actor: `${run}${at + 1}`.padStart(16, 'a'), counter: (written % runLength) + 1 }
  }

  #shown(state: ReferenceState): string {
    const shown = [...state.entries.values()].map(({ address, versions }) => {
      const dots = versions.map(({ dot }) => `${dot.actor.slice(-1)}:${dot.counter}`)
      return `${address.key}=${dots.join('+')}`
    })
    return shown.sort().join(' ')
  }

  #valueBytesMax(node: number): number {
    const { refuseBytes } = this.#options
    return refuseBytes !== undefined && node === this.nodes.length - 1 ? refuseBytes : 1e9
  }
}

/**
 * Plays a whole life: writes, bad gossip, forgetful logs, sessions cut anywhere and disturbed in the middle; then
 * quiet, full sessions, and convergence. Throws a Violation; returns what the quiet sessions did.
 */
export function live(options: WorldOptions): DuelResult[] {
  const world = new SyncWorld(options)
  const { random } = world
  const disturb = () => {
    if (random.chance(0.05)) world.write()
    if (random.chance(0.1)) world.gossip()
    world.check()
  }
  for (let step = 0; step < 60; step++) {
    const chance = random.next()
    if (chance < 0.4) world.write()
    else if (chance < 0.7) world.gossip()
    else if (chance < 0.77) world.truncate()
    else {
      const cutAfter = random.chance(0.5) ? random.below(12) : Number.POSITIVE_INFINITY
      world.sync(...world.pair(), { cutAfter, between: disturb })
    }
    world.check()
  }
  const results: DuelResult[] = []
  if (options.refuseBytes !== undefined) return results
  for (let round = 0; round < 3; round++) {
    for (let a = 0; a < world.nodes.length; a++) {
      for (let b = 0; b < a; b++) {
        results.push(world.sync(a, b))
        world.check()
      }
    }
  }
  world.checkConverged()
  return results
}
