/** What the simulator itself is made of: processes that stand still, and the account of retry keys. */
import { describe, expect, it } from 'vitest'
import { retryKeepCount, retryKeepMs } from '../../store/replica/limits.js'
import { VirtualWorld } from '../support/virtual-environment.js'
import { RetryAccounts } from './retries.js'
import { Stillness } from './stillness.js'

describe('stillness', () => {
  it('a process that stands still hears of nothing until it goes on, and of nothing at all when it is killed there', async () => {
    const world = new VirtualWorld(1)
    const stillness = new Stillness(world)
    const heard: string[] = []
    for (const name of ['one', 'two']) {
      const environment = world.environment()
      environment.whenDue = (fire) => stillness.hand(name, fire)
      environment.setTimer(10, () => heard.push(`${name}: timer at ${environment.monotonicMs()}`))
      const cancelled = environment.setTimer(20, () => heard.push(`${name}: cancelled`))
      world.schedule(30, () => stillness.hand(name, () => cancelled.cancel()))
      stillness.begin(name, 100)
    }
    world.schedule(15, () => stillness.hand('one', () => heard.push('one: frame')))
    world.schedule(50, () => stillness.forget('two'))
    await world.runFor(60)
    expect(heard).toEqual([])
    await world.runFor(60)
    // The second timer was due before it was cancelled.
    expect(heard).toEqual(['one: timer at 100', 'one: frame', 'one: cancelled'])
    expect(stillness.has('one')).toBe(false)
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
