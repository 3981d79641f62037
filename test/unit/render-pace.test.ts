/** The pace of a template that is watched, in virtual time. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  commandRetryMsFirst,
  commandRetryMsMax,
  renderIntervalMs,
  renderRefreshMs,
  renderSettleMs,
} from '../../cli/limits.js'
import { Pace } from '../../cli/render/pace.js'

/** Plays changes at given times up to an end; each rendering takes so long. Returns when renderings began and ended. */
function play(changes: readonly number[], tookMs: number, endMs: number): [beganMs: number, endedMs: number][] {
  const pace = new Pace()
  const waiting = [...changes].sort((a, b) => a - b)
  const renderings: [number, number][] = []
  const changedUntil = (nowMs: number) => {
    while (waiting.length > 0 && waiting[0]! <= nowMs) pace.changed(waiting.shift()!)
  }
  pace.begin(0)
  pace.ended(0, 'none')
  for (let nowMs = 0; nowMs < endMs; ) {
    const nextChangeMs = waiting[0] ?? Number.POSITIVE_INFINITY
    if (nextChangeMs < pace.nextMs) {
      nowMs = nextChangeMs
      changedUntil(nowMs)
      continue
    }
    nowMs = Math.max(nowMs, pace.nextMs)
    changedUntil(nowMs)
    pace.begin(nowMs)
    renderings.push([nowMs, nowMs + tookMs])
    nowMs += tookMs
    changedUntil(nowMs)
    pace.ended(nowMs, 'none')
  }
  return renderings
}

describe('the pace of renderings', () => {
  const times = fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 200 })
  it('shows every change within a bound, and keeps an interval however many come', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: 0, max: 3_000 }), (changes, tookMs) => {
        const renderings = play(changes, tookMs, 60_000)
        for (const at of changes) {
          const shown = renderings.find(([beganMs]) => beganMs >= at)!
          expect(shown[0] - at).toBeLessThanOrEqual(tookMs + renderIntervalMs + renderSettleMs)
        }
        for (const [index, [beganMs]] of renderings.entries()) {
          if (index > 0) expect(beganMs - renderings[index - 1]![1]).toBeGreaterThanOrEqual(renderIntervalMs)
        }
      }),
    )
  })

  it('renders without a change after a while', () => {
    expect(play([], 0, 3 * renderRefreshMs).map(([beganMs]) => beganMs)).toEqual([
      renderRefreshMs,
      2 * renderRefreshMs,
      3 * renderRefreshMs,
    ])
  })

  it('repeats a failed command with growing delays until it succeeds, whatever is rendered meanwhile', () => {
    const pace = new Pace()
    const delays: number[] = []
    let failedMs = 0
    pace.ended(0, 'failed')
    while (delays.length < 9) {
      const nowMs = pace.nextMs
      const isDue = pace.begin(nowMs)
      if (isDue) delays.push(nowMs - failedMs)
      if (isDue) failedMs = nowMs
      pace.ended(nowMs, isDue ? 'failed' : 'none')
    }
    expect(delays.slice(0, 3)).toEqual([commandRetryMsFirst, 2 * commandRetryMsFirst, 4 * commandRetryMsFirst])
    expect(delays.at(-1)).toBe(commandRetryMsMax)
    pace.ended(failedMs, 'done')
    expect(pace.nextMs).toBe(failedMs + renderRefreshMs)
    expect(pace.begin(failedMs + 10 * commandRetryMsMax)).toBe(false)
  })
})
