/** Virtual time, on which other tests stand. */
import { describe, expect, it } from 'vitest'
import { Sleep } from '../sim/sleep.js'
import { Random } from '../support/random.js'
import { type ClockFault, epochMs, VirtualWorld } from '../support/virtual-environment.js'

describe('virtual time', () => {
  it('fires timers in the order of their moments, then of their setting, and skips cancelled ones', async () => {
    const world = new VirtualWorld(1)
    const environment = world.environment()
    const fired: string[] = []
    const random = new Random(3)
    const delays = Array.from({ length: 200 }, () => random.below(50))
    for (const [at, delay] of delays.entries()) {
      const timer = environment.setTimer(delay, () =>
        fired.push(`${String(delay).padStart(2, '0')}/${String(at).padStart(3, '0')}`),
      )
      if (at % 7 === 0) timer.cancel()
    }
    await world.runFor(100)
    expect(fired).toHaveLength(delays.filter((_, at) => at % 7 !== 0).length)
    expect(fired).toEqual(fired.toSorted())
    expect(environment.monotonicMs()).toBe(100)
  })

  it('runs until a condition holds, or says what did not happen', async () => {
    const world = new VirtualWorld(1)
    const environment = world.environment({ offsetMs: 500, driftPpm: 1_000 })
    await world.runUntil(() => environment.monotonicMs() >= 0)
    environment.setTimer(1_000, () => undefined)
    await world.runUntil(() => world.elapsedMs === 1_000)
    expect(environment.nowMs()).toBe(epochMs + 1_000 + 500 + 1)
    await expect(world.runUntil(() => false, { limitMs: 10, what: 'the impossible' })).rejects.toThrow('the impossible')
  })

  it('leaps: what was due meanwhile fires late, once each and in order', async () => {
    const world = new VirtualWorld(1)
    const environment = world.environment()
    const fired: string[] = []
    const note = (name: string) => () => fired.push(`${name} at ${environment.monotonicMs()}`)
    environment.setTimer(20, note('second'))
    environment.setTimer(10, note('first'))
    environment.setTimer(5_000, note('third'))
    world.leap(3_000)
    await world.runUntil(() => fired.length === 3)
    expect(fired).toEqual(['first at 3000', 'second at 3000', 'third at 5000'])
  })

  it('a stopped environment fires nothing', async () => {
    const world = new VirtualWorld(1)
    const environment = world.environment()
    let fired = 0
    environment.setTimer(1, () => fired++)
    environment.stop()
    environment.setTimer(1, () => fired++)
    await world.runFor(10)
    expect(fired).toBe(0)
  })

  it('a clock that stood holds its timers up for as long, and what is due in a sleep waits for its end', async () => {
    const world = new VirtualWorld(1)
    const sleep = new Sleep(world)
    const clock: ClockFault = { whenAwake: (callback) => sleep.whenAwake(callback) }
    const environment = world.environment(clock)
    const firedMs: number[] = []
    const fired = () => firedMs.push(Math.round(world.elapsedMs))
    environment.setTimer(100, fired)
    environment.setTimer(1_000, fired)
    sleep.begin()
    await world.runFor(500)
    expect(firedMs).toEqual([])
    clock.stoodMs = 500
    sleep.end()
    expect(environment.monotonicMs()).toBe(0)
    await world.runFor(2_000)
    expect(firedMs).toHaveLength(2)
    // What was due in the sleep is a little late, as everything is after it.
    expect(firedMs[0]! - 600).toBeLessThan(4)
    expect(firedMs[1]).toBe(1_500)
  })

  it('the timers of a stopped process are late, and happen in order', async () => {
    const world = new VirtualWorld(1)
    const sleep = new Sleep(world)
    const environment = world.environment({ whenAwake: (callback) => sleep.whenAwake(callback) })
    const fired: number[] = []
    for (const delayMs of [10, 30, 20]) environment.setTimer(delayMs, () => fired.push(delayMs))
    const cancelled = environment.setTimer(5, () => fired.push(5))
    sleep.begin()
    await world.runFor(100)
    cancelled.cancel()
    sleep.end()
    await world.runFor(100)
    expect(fired).toEqual([10, 20, 30])
  })

  it('equal seeds give equal randomness, nodes differ', () => {
    const draw = (seed: number) => {
      const world = new VirtualWorld(seed)
      return [world.environment().random(), world.environment().random(), world.random.next()]
    }
    expect(draw(5)).toEqual(draw(5))
    expect(draw(5)).not.toEqual(draw(6))
    expect(new Set(draw(5)).size).toBe(3)
  })
})
