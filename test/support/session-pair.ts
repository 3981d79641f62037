/** Two model replicas for tests of single sessions. */
import { expect } from 'vitest'
import { type Address, register } from '../../store/model/address.js'
import type { Dot } from '../../store/model/dot.js'
import type { Update } from '../../store/model/update.js'
import { ModelReplica } from './model-replica.js'
import { Random } from './random.js'
import { Duel, type DuelOptions, type DuelResult } from './sync-duel.js'

/** The actors of the updates: the one of most, and two others. */
export const actors = ['a', 'b', 'c'].map((letter) => letter.repeat(16))

/** Two replicas, the updates that they are given, and the sessions between them. */
export class SessionPair {
  readonly here = new ModelReplica()
  readonly there = new ModelReplica()
  readonly #counters = new Map<string, number>()

  /** Applies an update at replicas: a put, or a delete when the value is null. Counters follow one another. */
  put(at: ModelReplica[], key: string, value: string | null, supersedes: Dot[] = [], actor = actors[0]!): Update {
    const counter = (this.#counters.get(actor) ?? 0) + 1
    this.#counters.set(actor, counter)
    const update: Update = {
      dot: { actor, counter },
      address: register(key),
      kind: value === null ? 'delete' : 'put',
      time: { ms: counter, logical: 0 },
      expiresAtMs: null,
      value: value === null ? null : Buffer.from(value),
      supersedes,
    }
    for (const replica of at) replica.applyNow([update])
    return update
  }

  /** Both replicas. */
  get both(): ModelReplica[] {
    return [this.here, this.there]
  }

  /** Runs one session to its end. */
  sync(options: Partial<DuelOptions> = {}): DuelResult {
    return new Duel(this.here, this.there, { random: new Random(7), ...options }).run()
  }

  /** Asserts that both have the same tree and the same contexts. */
  expectEqual(): void {
    expect(Buffer.compare(this.here.trie.root(), this.there.trie.root())).toBe(0)
    expect(this.here.seen.equals(this.there.seen)).toBe(true)
    expect(this.here.applied.equals(this.there.applied)).toBe(true)
  }
}

/** The mode of each side. */
export const modesOf = ({ outcomes }: DuelResult) => outcomes.map((outcome) => outcome?.mode)
/** The types of the messages, in order. */
export const typesOf = ({ messages }: DuelResult) => messages.map(({ message }) => message.type)
/** Values that each side sent. */
export const valuesSent = ({ outcomes }: DuelResult) => outcomes.map((outcome) => outcome?.valuesSent)
/** The values that a replica shows at an address, as text. */
export const valuesAt = (replica: ModelReplica, address: Address) =>
  replica.versionsAt(address).map(({ value }) => Buffer.from(value).toString())
