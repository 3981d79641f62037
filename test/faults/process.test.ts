/** Processes that are stopped, starved of file descriptors, or live in another year. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { allEqual, connectedTo, type Daemon, Fleet, until } from '../e2e/daemons.js'
import { amount } from '../support/effort.js'
import { Random } from '../support/random.js'
import { isLong, limitMs, note, seedOf, timed, Writers } from './faults.js'

const fakeTime = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path))
const needsFakeTime = fakeTime === undefined ? ' (skipped: the package faketime is not installed)' : ''

let fleet: Fleet
beforeEach(async () => {
  fleet = await Fleet.create()
})
afterEach(() => fleet.end())

const heartbeats = ['--sync-interval', '2s']

describe('a node that is stopped (SIGSTOP)', () => {
  it('is noticed within seconds, and catches up when it goes on', { timeout: limitMs(300_000) }, async () => {
    const random = new Random(seedOf(8))
    const tried = amount(1, 1, 3)
    const [one, two] = (await fleet.mesh(['one', 'two'], heartbeats)) as [Daemon, Daemon]
    const writers = new Writers('while-stopped', random)
    const noticedMs: number[] = []
    const recoveryMs: number[] = []
    for (let round = 0; round < tried; round++) {
      two.signal('SIGSTOP')
      try {
        noticedMs.push(await timed(() => connectedTo(one, 0)))
        expect(await writers.run(one, 4, (acknowledged) => acknowledged >= 200)).toEqual([])
        // In the long form it is away for longer than every timeout of the protocols.
        if (isLong) await new Promise((resolve) => setTimeout(resolve, 35_000))
      } finally {
        two.signal('SIGCONT')
      }
      recoveryMs.push(
        await timed(async () => {
          await connectedTo(one, 1)
          await allEqual([one, two])
        }),
      )
      await writers.expectKept(one)
      await writers.expectKept(two)
    }
    expect(Math.max(...noticedMs)).toBeLessThan(15_000)
    note({ fault: 'SIGSTOP: noticed', tried, checked: 0, lost: 0, recoveryMs: noticedMs })
    note({ fault: 'SIGSTOP: caught up', tried, checked: writers.acknowledged, lost: 0, recoveryMs })
  })
})

describe('clocks that are wrong', () => {
  it.skipIf(fakeTime === undefined)(
    `a year ahead: nothing is lost, and no key is pinned to that node's value${needsFakeTime}`,
    { timeout: limitMs(120_000) },
    async () => {
      const checked = await inAnotherTime('+365d')
      note({ fault: 'clock a year ahead', tried: 1, checked, lost: 0 })
    },
  )

  it.skipIf(fakeTime === undefined)(
    `a year behind: nothing is lost${needsFakeTime}`,
    { timeout: limitMs(120_000) },
    async () => {
      const checked = await inAnotherTime('-365d')
      note({ fault: 'clock a year behind', tried: 1, checked, lost: 0 })
    },
  )

  /** Two nodes, one in another time; both write, also the same keys. Returns how many writes were checked. */
  async function inAnotherTime(offset: string): Promise<number> {
    const env = { LD_PRELOAD: fakeTime!, FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1' }
    const here = await fleet.add('here', heartbeats)
    const far = await fleet.add('far', heartbeats, { env })
    await far.client.join((await here.client.invite()).token)
    for (const node of [here, far]) await connectedTo(node, 1)
    const nodes = [here, far] as const
    const written = nodes.map(({ name }) => new Writers(`at-${name}`, new Random(seedOf(9))))
    await Promise.all(written.map((writers, at) => writers.run(nodes[at]!, 2, (acknowledged) => acknowledged >= 100)))
    await far.client.put('key', 'far')
    await allEqual(nodes)
    const shown = (await here.client.getAll('key')).versions[0]!
    expect(Math.abs(Date.parse(shown.time) - Date.now())).toBeGreaterThan(300 * 24 * 3600 * 1000)
    // Not pinned: whoever has it in view replaces it, on either side, as often as they like.
    for (const [at, writer] of [here, far, here].entries()) {
      await writer.client.put('key', `${writer.name} ${at}`)
      await allEqual(nodes)
      for (const node of nodes) {
        expect((await node.client.getAll('key')).versions.map(({ value }) => value)).toEqual([`${writer.name} ${at}`])
      }
    }
    // Written on both sides of a cut: both stay; of two times the one from the future is shown last.
    await far.client.block(['here'])
    await far.client.put('both', 'far')
    await here.client.put('both', 'here')
    await far.client.unblock()
    await allEqual(nodes)
    // Two clocks cannot tell which of them is wrong; both nodes show the same all the same, and nobody's time is ahead
    // of what they agree on.
    const [both, too] = await Promise.all(
      nodes.map(async ({ client }) => (await client.getAll('both')).versions.map(({ value }) => value)),
    )
    expect(both).toEqual(too)
    expect(both).toEqual(offset.startsWith('+') ? ['here', 'far'] : ['far', 'here'])
    // Our own clock has not followed.
    await here.client.put('mine', 'mine')
    const mine = (await here.client.getAll('mine')).versions[0]!
    expect(Math.abs(Date.parse(mine.time) - Date.now())).toBeLessThan(60_000)
    for (const node of nodes) for (const writers of written) await writers.expectKept(node)
    return written.reduce((sum, writers) => sum + writers.acknowledged, 0)
  }
})

describe('file descriptors', () => {
  it('that run out: nothing acknowledged is lost, and the daemon serves again when they are back', {
    timeout: limitMs(120_000),
  }, async () => {
    const one = await fleet.add('one', heartbeats)
    const two = await fleet.add('two', heartbeats)
    await two.client.join((await one.client.invite()).token)
    for (const node of [one, two]) await connectedTo(node, 1)
    const writers = new Writers('few', new Random(seedOf(10)))
    expect(await writers.run(one, 2, (acknowledged) => acknowledged >= 50)).toEqual([])

    const used = readdirSync(`/proc/${one.pid}/fd`).length
    execFileSync('prlimit', [`--pid=${one.pid}`, `--nofile=${used + 20}:${used + 20}`])
    const path = one.ready.api[0]!.slice('unix:'.length)
    const sockets = Array.from({ length: 150 }, () => connect(path).on('error', () => {}))
    // No descriptor is left for us either; what fails, fails clearly, and what is answered is kept.
    await Promise.race([
      writers.run(one, 4, (acknowledged) => acknowledged >= 50),
      until(
        'all descriptors taken',
        async () => readdirSync(`/proc/${one.pid}/fd`).length,
        (taken) => taken >= used + 19,
      ),
    ])
    expect(one.isRunning).toBe(true)
    for (const socket of sockets) socket.destroy()
    const recoveryMs = [
      await timed(() =>
        until(
          'answers again',
          () => one.client.status(),
          () => true,
        ),
      ),
    ]
    await connectedTo(one, 1)
    await writers.run(one, 2, (acknowledged) => acknowledged >= 20)
    await allEqual([one, two])
    await writers.expectKept(one)
    await writers.expectKept(two)
    expect((await one.client.status()).warnings).toEqual([])
    note({ fault: 'file descriptors exhausted', tried: 1, checked: writers.acknowledged, lost: 0, recoveryMs })
  })
})
