/** Equal nodes at rest: no sync stream is opened, whatever time passes; one difference opens one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allEqual, type Daemon, Fleet, until } from './daemons.js'

/** Rounds of the scheduler that pass while nothing may happen. */
const rounds = 20

describe('equal nodes', () => {
  let fleet: Fleet
  let daemons: Daemon[]
  beforeAll(async () => {
    fleet = await Fleet.create()
    daemons = await fleet.mesh(['one', 'two', 'three'], ['--sync-interval', '100ms', '--heartbeat-interval', '100ms'])
    for (let at = 0; at < 50; at++) await daemons[at % 3]!.client.put(`key/${at}`, 'value')
    await allEqual(daemons)
  })
  afterAll(() => fleet.end())

  async function metric(daemon: Daemon, name: string): Promise<number> {
    const line = (await daemon.client.metrics()).split('\n').find((one) => one.startsWith(`${name} `))
    expect(line, name).toBeDefined()
    return Number(line!.split(' ')[1])
  }
  const sum = async (name: string) =>
    (await Promise.all(daemons.map((daemon) => metric(daemon, name)))).reduce((a, b) => a + b, 0)
  const sessions = async () =>
    (await sum('hearsay_sync_completed_total')) +
    (await sum('hearsay_sync_cut_total')) +
    (await sum('hearsay_sync_refused_total'))

  it('open no sync streams at rest', async () => {
    const beats = () => sum('hearsay_heartbeats_sent_total')
    const [before, channels, heard] = [await sessions(), await sum('hearsay_net_channels_opened_total'), await beats()]
    // Heartbeats have the scheduler's own interval here: so many of them are so many rounds in which it could have
    // acted.
    await until('rounds to pass', beats, (now) => now - heard >= rounds * 6)
    expect(await sessions()).toBe(before)
    expect(await sum('hearsay_net_channels_opened_total')).toBe(channels)
    for (const daemon of daemons) {
      const { members } = await daemon.client.status()
      expect(members.every((member) => member.converged)).toBe(true)
    }
  })

  it('an explicit sync between equal nodes proves them equal and sends nothing', async () => {
    const ran = await daemons[0]!.cli(['sync', 'two', '--json'])
    expect(ran.exit, ran.stderr).toBe(0)
    const { sessions: reports } = JSON.parse(ran.stdout.toString()) as { sessions: Record<string, unknown>[] }
    expect(reports).toHaveLength(1)
    expect(reports[0]).toMatchObject({ mode: 'equal', entriesSent: 0, entriesReceived: 0, ended: 'complete' })
    expect((await daemons[0]!.cli(['sync', 'nobody'])).exit).toBe(3)
  })
})
