/** Slow peers: what is blocked is broken, and what goes on too slowly as well; no peer takes all slots. */
import { describe, expect, it } from 'vitest'
import { ChannelCounts, Watchdog } from '../../protocols/channels.js'
import type { Channel } from '../../protocols/network.js'
import { VirtualWorld } from '../support/virtual-environment.js'

const timeouts = { idleMs: 10_000, totalMs: 60_000, bytesPerSecondMin: 1_000 }

function watch() {
  const world = new VirtualWorld(1)
  const aborted: number[] = []
  const environment = world.environment()
  const startMs = environment.monotonicMs()
  const channel = { abort: () => aborted.push(environment.monotonicMs() - startMs) } as unknown as Channel
  return { world, aborted, watchdog: new Watchdog(environment, channel, timeouts) }
}

describe('a watched channel', () => {
  it('is broken when it is blocked', async () => {
    const { world, aborted } = watch()
    await world.runFor(120_000)
    expect(aborted).toEqual([10_000])
  })

  it('is broken when small frames trickle, though none of them is late', async () => {
    const { world, aborted, watchdog } = watch()
    for (let second = 0; second < 12; second++) {
      await world.runFor(9_000)
      if (aborted.length > 0) break
      watchdog.progress(2)
    }
    expect(aborted).toHaveLength(1)
    expect(aborted[0]).toBeGreaterThanOrEqual(60_000)
    expect(aborted[0]).toBeLessThan(60_100)
  })

  it('may go on for as long as it brings bytes', async () => {
    const { world, aborted, watchdog } = watch()
    for (let second = 0; second < 300; second++) {
      await world.runFor(1_000)
      watchdog.progress(1_100)
    }
    expect(aborted).toEqual([])
    watchdog.stop()
    await world.runFor(120_000)
    expect(aborted).toEqual([])
  })
})

describe('channels by peer', () => {
  it('are counted up and down, and peers without any are not remembered', () => {
    const counts = new ChannelCounts()
    expect([counts.enter('a'), counts.enter('a'), counts.enter('b')]).toEqual([1, 2, 1])
    counts.leave('a')
    expect(counts.enter('a')).toBe(2)
    counts.leave('b')
    expect(counts.enter('b')).toBe(1)
  })
})
