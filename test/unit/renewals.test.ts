/** Renewals of a key that is kept alive, in virtual time against a model of the daemon. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keptTtlMsMin, Renewals } from '../../cli/keep-alive/renewals.js'

/** Fate of one attempt: `answered`, `unsent` (no connection), `lost` before or after it was stored. */
type Fate = 'answered' | 'unsent' | 'lost before' | 'lost after'

/** The daemon: a key with a deadline; a renewal that it knows by its name changes nothing. */
class Stored {
  readonly #ttlMs: number
  readonly #known = new Set<number>()
  deadlineMs: number
  /** Spans in which the key was absent. */
  readonly gaps: [fromMs: number, toMs: number][] = []

  constructor(ttlMs: number, nowMs: number) {
    this.#ttlMs = ttlMs
    this.deadlineMs = nowMs + ttlMs
  }

  put(nowMs: number, name: number): void {
    if (this.#known.has(name)) return
    this.#known.add(name)
    if (nowMs > this.deadlineMs) this.gaps.push([this.deadlineMs, nowMs])
    this.deadlineMs = Math.max(this.deadlineMs, nowMs + this.#ttlMs)
  }
}

/** Plays attempts, each with its fate and the share of its longest duration that it takes. */
function play(ttlMs: number, attempts: readonly { fate: Fate; share: number; random: number }[]) {
  let random = 0
  const renewals = new Renewals(ttlMs, 0, () => random)
  // The daemon stores the first put at the very moment at which it began: the worst case.
  const stored = new Stored(ttlMs, 0)
  let nowMs = 0
  const began: number[] = []
  for (const attempt of attempts) {
    random = attempt.random
    nowMs = Math.max(nowMs, renewals.nextMs)
    began.push(nowMs)
    renewals.began(nowMs)
    const name = renewals.number
    const { fate } = attempt
    const atMs = fate === 'unsent' ? nowMs : nowMs + attempt.share * renewals.attemptMsMax
    if (fate === 'answered') stored.put(nowMs, name)
    if (fate === 'lost after') stored.put(nowMs, name)
    nowMs = atMs
    if (fate === 'answered') renewals.stored()
    else renewals.failed(nowMs, fate !== 'unsent')
    expect(renewals.livesUntilMs).toBeLessThanOrEqual(stored.deadlineMs)
  }
  return { stored, began, renewals, endMs: nowMs }
}

const ttl = fc.integer({ min: keptTtlMsMin, max: 3_600_000 })
const share = fc.double({ min: 0, max: 1, noNaN: true })
const random = fc.double({ min: 0, max: 0.999, noNaN: true })
const answered = fc.record({ fate: fc.constant<Fate>('answered'), share, random })
const missed = fc.record({ fate: fc.constantFrom<Fate>('unsent', 'lost before', 'lost after'), share, random })

describe('renewals', () => {
  it('keep the key alive when any renewal is missed, however slowly, as long as the next one is not', () => {
    const oneMissed = fc.array(fc.oneof(fc.tuple(answered), fc.tuple(missed, answered)), { maxLength: 40 })
    fc.assert(
      fc.property(ttl, oneMissed, (ttlMs, attempts) => {
        const { stored, endMs } = play(ttlMs, attempts.flat())
        expect(stored.gaps).toEqual([])
        expect(endMs).toBeLessThan(stored.deadlineMs)
      }),
    )
  })

  it('never believe the key to live longer than it does, whatever is lost, and begin at bounded intervals', () => {
    fc.assert(
      fc.property(ttl, fc.array(fc.oneof(answered, missed), { maxLength: 60 }), (ttlMs, attempts) => {
        const { began } = play(ttlMs, attempts)
        for (const [at, beganMs] of began.entries()) {
          if (at > 0) expect(beganMs - began[at - 1]!).toBeLessThanOrEqual(ttlMs / 3 + 1)
        }
      }),
    )
  })

  it('bring a key back at once after an outage of any length', () => {
    const outage = fc.array(fc.record({ fate: fc.constantFrom<Fate>('unsent', 'lost before'), share, random }), {
      minLength: 1,
      maxLength: 100,
    })
    fc.assert(
      fc.property(ttl, outage, answered, (ttlMs, attempts, last) => {
        const { stored, renewals, endMs, began } = play(ttlMs, [...attempts, last])
        expect(stored.deadlineMs).toBe(began.at(-1)! + ttlMs)
        expect(renewals.failures).toBe(0)
        expect(endMs).toBeLessThan(stored.deadlineMs)
      }),
    )
  })

  it('cost three writes in a time to live when nothing is missed', () => {
    const attempts = Array.from({ length: 30 }, () => ({ fate: 'answered' as const, share: 0.1, random: 0 }))
    const { began } = play(30_000, attempts)
    expect(began.slice(0, 3)).toEqual([10_000, 20_000, 30_000])
    const year = 365 * 24 * 3_600_000
    expect(play(year, attempts).began.slice(0, 2)).toEqual([3_600_000, 7_200_000])
  })
})
