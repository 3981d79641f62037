/** Real input: a package database, imported on one of three real daemons, changed on both sides of a cut, healed. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { paragraphs } from '../support/package-database.js'
import { allEqual, connectedTo, type Daemon, Fleet, until } from './daemons.js'

describe('a package database on three daemons', () => {
  const input = paragraphs()
  const keys = [...input.keys()]
  let fleet: Fleet
  let daemons: Daemon[]

  beforeAll(async () => {
    fleet = await Fleet.create()
    daemons = await fleet.mesh(['one', 'two', 'three'])
  })
  afterAll(() => fleet.end())

  it('is imported on one and read byte for byte on the others', async () => {
    const file = join(fleet.folder, 'status.jsonl')
    writeFileSync(file, [...input].map(([key, value]) => `${JSON.stringify({ key, value })}\n`).join(''))
    const imported = await daemons[0]!.cli(['import', file])
    expect(imported.exit, imported.stderr).toBe(0)
    expect((await daemons[0]!.client.status()).entries).toBe(input.size)
    const waited = await daemons[0]!.cli(['wait', '--converged', '--timeout', '40s'])
    expect(waited.exit, waited.stderr).toBe(0)
    for (const daemon of daemons.slice(1)) {
      for (const [key, value] of input) expect((await daemon.client.get(key)).value.toString()).toBe(value)
    }
    const whole = await daemons[2]!.cli(['get', keys[0]!])
    expect(whole.stdout.toString()).toBe(input.get(keys[0]!))
  })

  it('both sides of a cut keep every update of both, deletes stay deleted, and all are equal again', async () => {
    const [one, two, three] = daemons as [Daemon, Daemon, Daemon]
    const blocked = await three.cli(['block', 'one', 'two'])
    expect(blocked.exit, blocked.stderr).toBe(0)
    await connectedTo(three, 0)
    const changedHere = keys.slice(0, 20)
    const changedThere = keys.slice(20, 40)
    const deletedHere = keys.slice(40, 50)
    const deletedThere = keys.slice(50, 60)
    const both = keys.slice(60, 70)
    for (const key of changedHere) await one.client.put(key, `${key} changed at one`)
    for (const key of deletedHere) await two.client.delete(key)
    for (const key of both) await two.client.put(key, `${key} at two`)
    for (const key of changedThere) await three.client.put(key, `${key} changed at three`)
    for (const key of deletedThere) await three.client.delete(key)
    for (const key of both) await three.client.put(key, `${key} at three`)
    await three.client.put('new/at-three', 'new')
    await one.client.put('new/at-one', 'new')
    await expect(one.client.get('new/at-three')).rejects.toMatchObject({ code: 'NOT_FOUND' })

    const status = await one.client.status()
    const absent = status.members.find((member) => member.name === 'three')!
    expect(absent.converged).toBe(false)
    expect(absent.behind).toBeGreaterThan(0)

    expect((await three.cli(['unblock'])).exit).toBe(0)
    for (const daemon of daemons) {
      const waited = await daemon.cli(['wait', '--converged', '--timeout', '40s'])
      expect(waited.exit, waited.stderr).toBe(0)
    }
    await allEqual(daemons)
    for (const daemon of daemons) {
      const value = async (key: string) => (await daemon.client.get(key)).value.toString()
      for (const key of changedHere) expect(await value(key)).toBe(`${key} changed at one`)
      for (const key of changedThere) expect(await value(key)).toBe(`${key} changed at three`)
      for (const key of [...deletedHere, ...deletedThere]) {
        await expect(daemon.client.get(key)).rejects.toMatchObject({ code: 'NOT_FOUND' })
      }
      for (const key of both) {
        const versions = (await daemon.client.getAll(key)).versions.map((version) => version.value)
        expect(versions.toSorted()).toEqual([`${key} at three`, `${key} at two`])
      }
      expect(await value('new/at-one')).toBe('new')
      expect(await value('new/at-three')).toBe('new')
      for (const key of keys.slice(70)) expect(await value(key)).toBe(input.get(key))
      const after = await daemon.client.status()
      expect(after.conflicts).toBe(both.length)
      expect(after.members.every((member) => member.converged && member.behind === 0)).toBe(true)
    }
  })

  it('lists the conflicts, settles one, and all see it settled', async () => {
    const [one, two] = daemons as [Daemon, Daemon]
    const listed = await one.cli(['conflicts', '--json'])
    const items = listed.stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { key: string })
    expect(items).toHaveLength(10)
    const key = items[0]!.key
    expect((await one.cli(['del', key])).exit).toBe(4)
    expect((await one.cli(['resolve', key, '--pick', '2'])).exit).toBe(0)
    await until(
      'settled at two',
      () => two.client.getAll(key),
      (seen) => seen.versions.length === 1,
    )
    await allEqual(daemons)
  })

  it('exports everything, and importing it again adds nothing', async () => {
    const [one, two] = daemons as [Daemon, Daemon]
    const exported = await one.cli(['export'])
    expect(exported.exit, exported.stderr).toBe(0)
    const before = await two.client.status()
    const imported = await two.cli(['import', '-'], exported.stdout)
    expect(imported.exit, imported.stderr).toBe(0)
    const after = await two.client.status()
    expect(after.root).toBe(before.root)
    expect(after.context).toBe(before.context)
  })
})
