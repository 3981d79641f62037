/** The heap of the daemon: bounded from the start, and small while nothing happens. */
import { expect, it } from 'vitest'
import { boundHeap } from '../../daemon/heap.js'

it('favours memory while the process is idle, and speed again as soon as it works', () => {
  const flags: string[] = []
  let [nowMs, usedMs] = [5_000, 900]
  let next = { delayMs: 0, fire: () => {} }
  boundHeap({
    monotonicMs: () => nowMs,
    processorMs: () => usedMs,
    setFlag: (flag) => flags.push(flag),
    setTimer: (delayMs, fire) => {
      next = { delayMs, fire }
      return { cancel: () => {} }
    },
  })
  const pass = (share: number) => {
    nowMs += next.delayMs
    usedMs += share * next.delayMs
    next.fire()
    return flags.splice(0)
  }
  expect(flags.splice(0)).toEqual(['--heap-growing-percent=30'])
  expect([pass(0.05), pass(0.5), pass(0.05), pass(0.05)]).toEqual([[], [], [], ['--optimize-for-size']])
  expect([pass(0.01), pass(0.2), pass(0.9)]).toEqual([[], ['--no-optimize-for-size'], []])
})
