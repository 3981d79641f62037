/** What the simulator itself is made of: machines that sleep, and the account of retry keys. */
import { describe, expect, it } from 'vitest'
import { retryKeepCount, retryKeepMs } from '../../store/replica/limits.js'
import { VirtualWorld } from '../support/virtual-environment.js'
import { RetryAccounts } from './retries.js'
import { Sleep } from './sleep.js'

describe('sleep', () => {
  it('a paused process hears of nothing until it goes on, and of nothing at all when it is killed there', async () => {
    const world = new VirtualWorld(1)
    const heard: string[] = []
    const sleeps = { one: new Sleep(world), two: new Sleep(world) }
    for (const name of ['one', 'two'] as const) {
      const sleep = sleeps[name]
      const environment = world.environment({ whenAwake: (callback) => sleep.whenAwake(callback) })
      environment.setTimer(10, () => heard.push(`${name}: timer at ${Math.floor(environment.monotonicMs() / 10)}0`))
      const cancelled = environment.setTimer(20, () => heard.push(`${name}: cancelled`))
      world.schedule(30, () => sleep.whenAwake(() => cancelled.cancel()))
      sleep.begin()
      world.schedule(100, () => sleep.end())
    }
    world.schedule(15, () => sleeps.one.whenAwake(() => heard.push('one: frame')))
    world.schedule(50, () => sleeps.two.forget())
    await world.runFor(60)
    expect(heard).toEqual([])
    await world.runFor(60)
    // The second timer was due before it was cancelled.
    expect(heard).toEqual(['one: timer at 100', 'one: frame', 'one: cancelled'])
    expect(sleeps.one.isAsleep).toBe(false)
  })
})

describe('the account of retry keys', () => {
  const dot = (counter: number) => ({ actor: '00', counter })
  const answer = (request: string, counter: number, atMs = 0) => ({ retryKey: 'k', request, dot: dot(counter), atMs })
  const accounts = () => {
    const retries = new RetryAccounts()
    retries.asked('n', 'k')
    retries.answered('n', answer('first', 1), false)
    retries.asked('n', 'k')
    return retries
  }

  it('takes the same answer to the same request, and what a disk has forgotten', () => {
    expect(() => accounts().answered('n', answer('first', 1), false)).not.toThrow()
    expect(() => accounts().answered('n', answer('first', 2), true)).not.toThrow()
    const elsewhere = accounts()
    elsewhere.asked('other', 'k')
    expect(() => elsewhere.answered('other', answer('first', 2), false)).not.toThrow()
  })

  it('finds a request that was stored twice, and another one that was answered', () => {
    expect(() => accounts().answered('n', answer('first', 2), false)).toThrow('stored-twice')
    expect(() => accounts().answered('n', answer('second', 1), false)).toThrow('answered-another')
  })

  it('lets an answer be forgotten when it is old, or when many came since', () => {
    expect(() => accounts().answered('n', answer('first', 2, retryKeepMs), false)).not.toThrow()
    expect(() => accounts().answered('n', answer('first', 2, retryKeepMs / 2), false)).toThrow('stored-twice')
    const many = accounts()
    for (let at = 0; at < retryKeepCount; at++) many.asked('n', `other ${at}`)
    expect(() => many.answered('n', answer('first', 2), false)).not.toThrow()
  })
})
