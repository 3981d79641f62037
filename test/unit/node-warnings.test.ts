/** What Node would warn of: many listeners of one signal, timers longer than it has. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { silentNetLog } from '../../daemon/net/log.js'
import { realEnvironment } from '../../daemon/net/real-environment.js'
import { Supervisor } from '../../daemon/net/supervisor.js'
import { StillEnvironment } from '../support/still-environment.js'

const warnings: string[] = []
const note = (warning: Error) => warnings.push(warning.name)
beforeEach(() => {
  warnings.length = 0
  process.on('warning', note)
})
afterEach(() => {
  process.off('warning', note)
  vi.useRealTimers()
})

it('twelve members dialled at once leave no warning, and all end with the supervisor', async () => {
  const environment = new StillEnvironment()
  const dialled: AbortSignal[] = []
  const dial = (_: unknown, signal: AbortSignal) =>
    new Promise<never>((_resolve, reject) => {
      dialled.push(signal)
      signal.addEventListener('abort', () => reject(new Error('ended')))
    })
  const supervisor = new Supervisor('a', environment, { dial, close: () => {} }, silentNetLog)
  const peers = Array.from({ length: 12 }, (_, at) => `b${at}`)
  supervisor.setMembers(peers.map((peer) => ({ peer, addresses: [`/dns4/${peer}.example/tcp/7400`] })))
  supervisor.start()
  environment.pass(1)
  expect(dialled.length).toBe(12)
  supervisor.stop()
  expect(dialled.every(({ aborted }) => aborted)).toBe(true)
  await new Promise((resolve) => setImmediate(resolve))
  expect(warnings).toEqual([])
})

it('a timer of months fires after months, and can be cancelled on the way', async () => {
  vi.useFakeTimers()
  const day = 24 * 3600 * 1000
  const fired: string[] = []
  realEnvironment.setTimer(60 * day, () => fired.push('late'))
  const cancelled = realEnvironment.setTimer(60 * day, () => fired.push('cancelled'))
  vi.advanceTimersByTime(30 * day)
  cancelled.cancel()
  vi.advanceTimersByTime(30 * day - 1)
  expect(fired).toEqual([])
  vi.advanceTimersByTime(1)
  expect(fired).toEqual(['late'])
  expect(warnings).toEqual([])
})
