/** A node away for thousands of deletes resurrects none, and nothing names a deleted key once all members know. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LevelStore } from '../../store/level.js'
import { amount } from '../support/effort.js'
import { allEqual, connectedTo, type Daemon, Fleet, until } from './daemons.js'

const count = amount(400, 5_000)

describe('deletes', () => {
  let fleet: Fleet
  let daemons: Daemon[]
  beforeAll(async () => {
    fleet = await Fleet.create()
    daemons = await fleet.mesh(['one', 'two', 'three'])
  })
  afterAll(() => fleet.end())

  /** Rows in a stopped daemon's store that name one of the deleted keys. */
  async function rowsNaming(daemon: Daemon, name: string): Promise<number> {
    const store = await LevelStore.open(join(daemon.data, 'store'))
    let found = 0
    for await (const rows of store.scan({})) {
      for (const { key, value } of rows)
        if (Buffer.from(key).includes(name) || Buffer.from(value).includes(name)) found++
    }
    await store.close()
    return found
  }

  it('of a node that was away are not undone when it comes back', async () => {
    const [one, , three] = daemons as [Daemon, Daemon, Daemon]
    const lines = Array.from(
      { length: count },
      (_, at) => `${JSON.stringify({ key: `doomed/${at}`, value: `value ${at}` })}\n`,
    )
    expect((await one.cli(['import', '-'], lines.join(''))).exit).toBe(0)
    await one.client.put('kept', 'kept')
    await allEqual(daemons)
    expect(await three.stop()).toBe(0)
    expect((await one.cli(['del', '--prefix', 'doomed/'])).exit).toBe(0)
    const status = await one.client.status()
    expect(status.entries).toBe(1)
    const away = status.members.find((member) => member.name === 'three')!
    expect(away.connected).toBe(false)
    expect(away.hints.updates).toBeGreaterThanOrEqual(count)
    expect(away.hints.bytes).toBeGreaterThan(0)
    await three.start()
    await connectedTo(three, 2)
    await allEqual(daemons)
    for (const daemon of daemons) {
      expect((await daemon.client.status()).entries).toBe(1)
      expect((await daemon.cli(['ls'])).stdout.toString()).toContain('kept')
    }
    await until(
      'no hints left',
      () => Promise.all(daemons.map((daemon) => daemon.client.status())),
      (all) => all.every((one) => one.members.every((member) => member.hints.updates === 0)),
    )
  })

  it('leave no row on any disk that names the key, once all members have acknowledged', async () => {
    await until(
      'the logs to be trimmed',
      () => Promise.all(daemons.map((daemon) => daemon.client.status())),
      (all) => all.every((status) => status.log.bytes === 0),
    )
    for (const daemon of daemons) {
      expect(await daemon.stop()).toBe(0)
      expect(await rowsNaming(daemon, 'doomed/')).toBe(0)
      expect(await rowsNaming(daemon, 'kept')).toBeGreaterThan(0)
    }
  })
})
