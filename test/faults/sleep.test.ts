/**
 * A machine that sleeps, as real daemons see it: the process stands, and when it goes on the wall clock has moved by an
 * hour while its monotonic clock has not. Nothing comes back that was deleted meanwhile, nothing that was overwritten,
 * and stores do not grow by it.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { allEqual, connectedTo, type Daemon, Fleet, until } from '../e2e/daemons.js'
import { amount } from '../support/effort.js'
import { limitMs, note } from './faults.js'

const fakeTime = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path))
const needsFakeTime = fakeTime === undefined ? ' (skipped: the package faketime is not installed)' : ''

const keys = 300
const hourSeconds = 3600

let fleet: Fleet
let folder: string
beforeEach(async () => {
  fleet = await Fleet.create()
  folder = await mkdtemp(join(tmpdir(), 'hearsay-sleep-'))
})
afterEach(async () => {
  await fleet.end()
  await rm(folder, { recursive: true, force: true })
})

describe('a machine that sleeps', () => {
  it.skipIf(fakeTime === undefined)(
    `revives nothing, and its store does not grow${needsFakeTime}`,
    { timeout: limitMs(180_000) },
    async () => {
      const sleeps = amount(1, 2, 12)
      const clock = join(folder, 'clock')
      await writeFile(clock, '+0')
      const rest = { FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_NO_CACHE: '1' }
      const env = { LD_PRELOAD: fakeTime!, FAKETIME_TIMESTAMP_FILE: clock, ...rest }
      const awake = await fleet.add('awake', ['--sync-interval', '2s'], { env })
      const laptop = await fleet.add('laptop', ['--sync-interval', '2s'], { env })
      const both = [awake, laptop]
      await laptop.client.join((await awake.client.invite()).token)
      for (const node of both) await connectedTo(node, 1)
      for (let key = 0; key < keys; key++) await laptop.client.put(`key-${key}`, `${key}`.padEnd(1000, '.'))
      await allEqual(both)
      const idOf = async (node: Daemon) => (await node.client.status()).actor
      for (let sleep = 1; sleep <= sleeps; sleep++) {
        const before = await idOf(laptop)
        laptop.signal('SIGSTOP')
        try {
          await connectedTo(awake, 0)
          await awake.client.delete(`key-${sleep}`)
          await awake.client.put(`key-${100 + sleep}`, 'written while it slept')
          await writeFile(clock, `+${sleep * hourSeconds}`)
        } finally {
          laptop.signal('SIGCONT')
        }
        await laptop.client.put('awake', `${sleep}`)
        await connectedTo(laptop, 1)
        await allEqual(both)
        expect(await idOf(laptop), 'a new id after every sleep').not.toBe(before)
        for (const { client } of both) {
          await expect(client.getAll(`key-${sleep}`)).rejects.toMatchObject({ code: 'NOT_FOUND' })
          expect((await client.getAll(`key-${100 + sleep}`)).versions.map(({ value }) => value)).toEqual([
            'written while it slept',
          ])
        }
      }
      // Every key has one version, those that were deleted none: no live version was issued again.
      for (const { client } of both) {
        expect((await client.status()).entries).toBe(keys - sleeps + 1)
        expect((await client.status()).conflicts).toBe(0)
        await until(
          'few rows of the log',
          () => client.status(),
          (status) => status.warnings.length === 0,
        )
      }
      note({ fault: 'sleep of an hour', tried: sleeps, checked: keys, lost: 0 })
    },
  )
})
