/**
 * Counters against an outside account of every increment: any partitions, any order, deletes in between, runs that end.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { counter } from '../../store/model/address.js'
import { zeroTime } from '../../store/model/clock.js'
import { counterValue, increment, isPresent, resetsOf } from '../../store/model/counter.js'
import { foldOf } from '../../store/model/counter-fold.js'
import { extended, type Reach } from '../../store/model/counter-paths.js'
import { type CounterValue, decodeCounter, encodeCounter } from '../../store/model/counter-values.js'
import { valueHash } from '../../store/model/digest.js'
import { compareDots, type Dot, dotText } from '../../store/model/dot.js'
import type { Update, Version } from '../../store/model/update.js'
import { amount } from '../support/effort.js'
import { ReferenceState } from '../support/reference-state.js'

const address = counter('hits')
const writers = 3

type Step =
  | { readonly act: 'incr'; readonly writer: number; readonly by: number }
  | { readonly act: 'delete'; readonly writer: number }
  | { readonly act: 'import'; readonly writer: number; readonly value: number }
  | { readonly act: 'restart'; readonly writer: number }
  | { readonly act: 'fold'; readonly writer: number; readonly totalsMin: number }
  | {
      readonly act: 'learn'
      readonly writer: number
      readonly from: number
      readonly pick: number
      readonly count: number
    }

const writer = fc.nat(writers - 1)
const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ act: fc.constant('incr' as const), writer, by: fc.integer({ min: -5, max: 9 }) }),
    },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('delete' as const), writer }) },
    {
      weight: 2,
      arbitrary: fc.record({ act: fc.constant('import' as const), writer, value: fc.constantFrom(-3, 0, 100, 200) }),
    },
    { weight: 3, arbitrary: fc.record({ act: fc.constant('restart' as const), writer }) },
    {
      weight: 3,
      arbitrary: fc.record({ act: fc.constant('fold' as const), writer, totalsMin: fc.integer({ min: 1, max: 3 }) }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        act: fc.constant('learn' as const),
        writer,
        from: writer,
        pick: fc.nat(20),
        count: fc.integer({ min: 1, max: 6 }),
      }),
    },
  ),
  { maxLength: 60 },
)

/** One increment as the account knows it. */
interface Entry {
  readonly by: number
  readonly chain: string
  readonly sequence: number
  isCovered: boolean
}

/** One import as the account knows it. */
interface Import {
  readonly value: number
  isCovered: boolean
}

/** Plays steps; keeps an account that knows nothing of how counters are stored but which chain an increment went on. */
class World {
  readonly states = Array.from({ length: writers }, () => new ReferenceState())
  readonly updates: Update[] = []
  readonly #account = new Map<string, Entry>()
  readonly #imports = new Map<string, Import>()
  readonly #runs = Array.from({ length: writers }, (_, at) => ({ actor: `${at}`.padStart(16, '0'), counter: 0 }))
  readonly #owners = new Map(this.#runs.map(({ actor }, at) => [actor, at]))
  #actors = writers
  /** Number of versions that folds took the place of. */
  folded = 0

  versions(at: number): readonly Version[] {
    return [...this.states[at]!.entries.values()][0]?.versions ?? []
  }

  play(step: Step): void {
    if (step.act === 'restart') this.#restart(step.writer)
    else if (step.act === 'fold') this.#fold(step.writer, step.totalsMin)
    else if (step.act === 'learn') this.#learn(step.writer, step.from, step.pick, step.count)
    else if (step.act === 'incr') this.#increment(step.writer, step.by)
    else if (step.act === 'import') this.#import(step.writer, step.value)
    else if (isPresent(this.versions(step.writer))) this.#delete(step.writer)
  }

  /** What is not covered by any delete or import that had it in view: all increments, and one of the imports. */
  expected(): number | undefined {
    const open = [...this.#account.values()].filter((entry) => !entry.isCovered)
    const imported = [...this.#imports.values()].filter((one) => !one.isCovered).map(({ value }) => value)
    if (open.length + imported.length === 0) return undefined
    return open.reduce((sum, { by }) => sum + by, imported.length === 0 ? 0 : Math.max(...imported))
  }

  settle(): void {
    for (let at = 0; at < writers; at++) for (const update of this.updates.toReversed()) this.states[at]!.apply(update)
  }

  #dot(at: number): Dot {
    const run = this.#runs[at]!
    return { actor: run.actor, counter: ++run.counter }
  }

  #restart(at: number): void {
    const actor = `${this.#actors++}`.padStart(16, '0')
    this.#owners.set(actor, at)
    this.#runs[at] = { actor, counter: 0 }
  }

  #fold(at: number, totalsMin: number): void {
    const isOwn = (actor: string) => this.#owners.get(actor) === at
    const current = this.#runs[at]!.actor
    const before = this.versions(at)
    const fold = foldOf(before, { current, isOwn, nowMs: this.updates.length, totalsMin })
    if (fold === undefined) return
    this.folded += fold.supersedes.length
    this.#issue(at, this.#dot(at), fold.value, fold.supersedes)
    expect(counterValue(this.versions(at))).toBe(counterValue(before))
  }

  #increment(at: number, by: number): void {
    const dot = this.#dot(at)
    const { value, supersedes } = increment(this.versions(at), dot, { ms: this.updates.length, logical: 0 }, by)
    const { reach } = decodeCounter(value) as Extract<CounterValue, { kind: 'total' }>
    const chain = `${reach.actor}:${reach.chain}`
    this.#account.set(dotText(dot), { by, chain, sequence: reach.sequence, isCovered: false })
    this.#issue(at, dot, value, supersedes)
  }

  #delete(at: number): void {
    const [reset, ...more] = resetsOf(this.versions(at))
    expect(more).toEqual([])
    this.#cover(at)
    this.#issue(at, this.#dot(at), encodeCounter({ kind: 'baseline', reaches: reset!.reaches }), reset!.supersedes)
  }

  #import(at: number, value: number): void {
    if (counterValue(this.versions(at)) === BigInt(value)) return
    const { reaches, supersedes } = resetsOf(this.versions(at))[0]!
    this.#cover(at)
    const dot = this.#dot(at)
    this.#imports.set(dotText(dot), { value, isCovered: false })
    this.#issue(at, dot, encodeCounter({ kind: 'imported', total: value, reaches }), supersedes)
  }

  /**
   * A delete or import has in view every increment that was applied here, and those before it in the same chain, whose
   * sum it holds; and every import whose version is live here.
   */
  #cover(at: number): void {
    const reach = new Map<string, number>()
    for (const [text, { chain, sequence }] of this.#account) {
      if (this.states[at]!.applied.has(dotOf(text))) reach.set(chain, Math.max(reach.get(chain) ?? 0, sequence))
    }
    for (const entry of this.#account.values()) {
      if (entry.sequence <= (reach.get(entry.chain) ?? 0)) entry.isCovered = true
    }
    for (const { dot } of this.versions(at)) {
      const imported = this.#imports.get(dotText(dot))
      if (imported !== undefined) imported.isCovered = true
    }
  }

  #issue(at: number, dot: Dot, value: Uint8Array | null, supersedes: readonly Dot[]): void {
    const time = { ms: this.updates.length, logical: 0 }
    const kind = value === null ? 'delete' : 'put'
    const sorted = supersedes.toSorted(compareDots)
    const update: Update = { dot, address, kind, time, expiresAtMs: null, value, supersedes: sorted }
    this.updates.push(update)
    this.states[at]!.apply(update)
  }

  /** Learns some updates of another, from anywhere in the middle: gossip that was partly lost. */
  #learn(at: number, from: number, pick: number, count: number): void {
    const [mine, theirs] = [this.states[at]!, this.states[from]!]
    const missing = this.updates.filter(({ dot }) => theirs.applied.has(dot) && !mine.applied.has(dot))
    const start = missing.length === 0 ? 0 : pick % missing.length
    for (const update of missing.slice(start, start + count)) mine.apply(update)
  }
}

function dotOf(text: string): Dot {
  const [actor = '', count = ''] = text.split(':')
  return { actor, counter: Number(count) }
}

describe('a counter', () => {
  it('counts every increment that no delete or import had in view, and an import once, on every node, whatever came in which order', () => {
    fc.assert(
      fc.property(steps, (history) => {
        const world = new World()
        for (const step of history) world.play(step)
        world.settle()
        const expected = world.expected()
        for (let at = 0; at < writers; at++) {
          expect(counterValue(world.versions(at))).toBe(expected === undefined ? undefined : BigInt(expected))
        }
      }),
      { numRuns: amount(200, 1_500) },
    )
  })

  it('is joined to the same value as it is delivered to', () => {
    fc.assert(
      fc.property(steps, (history) => {
        const world = new World()
        for (const step of history) world.play(step)
        const joined = world.states[0]!.clone()
        for (const state of world.states) joined.join(state)
        world.settle()
        const versions = [...joined.entries.values()][0]?.versions ?? []
        expect(counterValue(versions)).toBe(counterValue(world.versions(0)))
      }),
      { numRuns: amount(200, 500) },
    )
  })

  it('counts each branch once where copies of one process went on with one chain, whatever was deleted meanwhile', () => {
    const version = (value: Uint8Array, at: number): Version => ({
      dot: { actor: 'f'.repeat(16), counter: at + 1 },
      time: zeroTime,
      expiresAtMs: null,
      value,
      valueHash: valueHash(value),
    })
    // A tree of increments: each goes on from an earlier one, or begins the chain again under the same dot, as a copy
    // may.
    const branch = fc.record({ from: fc.nat(), by: fc.integer({ min: -5, max: 9 }) })
    const tree = fc.array(branch, { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(
        tree,
        fc.array(fc.nat(), { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 3 }),
        (nodes, tips, gone) => {
          const paths: { reach: Reach; steps: readonly number[] }[] = []
          for (const [at, { from, by }] of nodes.entries()) {
            const parent = from % (at + 1) === at ? undefined : paths[from % (at + 1)]
            const depth = parent?.steps.length ?? 0
            const dot = { actor: 'a'.repeat(16), counter: depth + 1 }
            const reach = extended(parent?.reach, dot, { ms: at, logical: 0 }, by)
            paths.push({ reach, steps: [...(parent?.steps ?? []), at] })
          }
          const pick = (list: readonly number[]) => list.map((at) => paths[at % paths.length]!)
          const [live, covered] = [pick(tips), pick(gone)]
          const baselines = covered.map(({ reach }) => {
            const [reset] = resetsOf([version(encodeCounter({ kind: 'total', reach }), 0)])
            return encodeCounter({ kind: 'baseline', reaches: reset!.reaches })
          })
          const totals = live.map(({ reach }) => encodeCounter({ kind: 'total', reach }))
          const versions = [...totals, ...baselines].map(version)
          const known = new Set(covered.flatMap(({ steps }) => steps))
          const counted = [...new Set(live.flatMap(({ steps }) => steps))].filter((at) => !known.has(at))
          const sum = counted.reduce((total, at) => total + nodes[at]!.by, 0)
          expect(counterValue(versions)).toBe(counted.length === 0 ? undefined : BigInt(sum))
          // One delete of all that is here leaves nothing, whatever shows it later.
          const [reset] = resetsOf(versions)
          const deleted = encodeCounter({ kind: 'baseline', reaches: reset!.reaches })
          expect(counterValue([...totals, deleted].map(version))).toBeUndefined()
        },
      ),
      { numRuns: amount(200, 2_000) },
    )
  })

  it('is read back as it was written, and no other bytes are taken for one', () => {
    const reach = fc.record({
      actor: fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('hex')),
      chain: fc.maxSafeNat(),
      sequence: fc.maxSafeNat(),
      total: fc.maxSafeInteger(),
    })
    fc.assert(
      fc.property(fc.uniqueArray(reach, { selector: (one) => one.actor }), fc.uint8Array(), (reaches, noise) => {
        const sorted = reaches.toSorted((a, b) => (a.actor < b.actor ? -1 : 1))
        const written = encodeCounter({ kind: 'baseline', reaches: sorted })
        expect(decodeCounter(written)).toEqual({ kind: 'baseline', reaches: sorted })
        const total = sorted[0]?.total ?? 0
        const imported = encodeCounter({ kind: 'imported', total, reaches: sorted })
        expect(decodeCounter(imported)).toEqual({ kind: 'imported', total, reaches: sorted })
        const withTrails = sorted.map((one, at) => (at % 2 === 0 ? one : { ...one, trail: Buffer.of(1), day: at }))
        const folded = encodeCounter({ kind: 'folded', reaches: withTrails })
        expect(decodeCounter(folded)).toEqual({ kind: 'folded', reaches: withTrails })
        for (const one of sorted) {
          expect(decodeCounter(encodeCounter({ kind: 'total', reach: one }))).toEqual({ kind: 'total', reach: one })
        }
        expect(() => decodeCounter(Buffer.concat([written, noise.length > 0 ? noise : Buffer.of(0)]))).toThrow()
        try {
          expect(encodeCounter(decodeCounter(noise))).toEqual(Buffer.from(noise))
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_ENCODING' })
        }
      }),
    )
  })
})
