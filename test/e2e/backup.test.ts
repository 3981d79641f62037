/**
 * Backups of running daemons and restores into meshes that went on: nothing lost, nothing doubled, nothing deleted
 * comes back.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LevelStore } from '../../store/level.js'
import { isLong, note, seedOf, Writers } from '../faults/faults.js'
import { amount, inCi, isShort } from '../support/effort.js'
import { Random } from '../support/random.js'
import { liveVersions } from '../support/replicas.js'
import { allEqual, connectedTo, type Daemon, Fleet, program, runProgram, until } from './daemons.js'

const interval = ['--sync-interval', '1s']

describe('backup and restore', () => {
  let fleet: Fleet
  let file: string
  beforeEach(async () => {
    fleet = await Fleet.create()
    file = join(fleet.folder, 'ann.backup')
  })
  afterEach(() => fleet.end())

  /** A daemon on a directory into which the backup was restored; not started. */
  async function restored(name: string, flags: readonly string[] = []): Promise<Daemon> {
    const daemon = fleet.prepare(name, interval)
    const ran = await runProgram(['restore', file, '--data', daemon.data, ...flags])
    expect(ran.exit, ran.stderr).toBe(0)
    return daemon
  }

  /** Users' live versions in the stores of daemons, which are stopped for it. */
  async function versionsOf(daemons: readonly Daemon[]): Promise<string[][]> {
    return Promise.all(
      daemons.map(async (daemon) => {
        expect(await daemon.stop()).toBe(0)
        const store = await LevelStore.open(join(daemon.data, 'store'))
        const versions = await liveVersions(store)
        await store.close()
        return versions
      }),
    )
  }

  it('while writes go on, then into the mesh in place of the node that died', { timeout: 240_000 }, async () => {
    const [ann, bob] = (await fleet.mesh(['ann', 'bob'], interval)) as [Daemon, Daemon]
    const random = new Random(seedOf(11))
    const writers = new Writers('busy', random)
    for (let at = 0; at < 40; at++) await ann.client.put(`doomed/${at}`, 'x')
    await allEqual([ann, bob])
    // Written at ann alone, which dies before anybody else has it: only the backup brings it back.
    await ann.client.block([bob.name])
    await ann.client.put('only/here', 'kept by the backup')
    let isTaken = false
    const writing = writers.run(ann, 4, (acknowledged) => isTaken && acknowledged >= 200)
    await until(
      'some writes',
      async () => writers.acknowledged,
      (count) => count >= 50,
    )
    const ran = await ann.cli(['backup', file])
    isTaken = true
    expect(ran.exit, ran.stderr).toBe(0)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(await writing).toEqual([])
    await ann.client.unblock()
    await connectedTo(ann, 1)
    await allEqual([ann, bob])
    await writers.expectKept(bob)
    expect((await bob.cli(['del', '--prefix', 'doomed/'])).exit).toBe(0)
    await bob.client.put('only/here', 'and changed since')
    await allEqual([ann, bob])
    await ann.kill()
    rmSync(ann.data, { recursive: true })
    const cid = await restored('cid')
    await cid.start()
    const status = await verified(cid)
    expect(status.warnings.join()).not.toContain('damage')
    await bob.client.forget(ann.ready.peer)
    await allEqual([bob, cid])
    for (const daemon of [bob, cid]) {
      await writers.expectKept(daemon)
      expect((await daemon.client.get('only/here')).value.toString()).toBe('and changed since')
      expect((await daemon.cli(['ls', 'doomed/'])).stdout.toString()).toBe('')
      expect((await daemon.client.status()).conflicts).toBe(0)
    }
    expect((await cid.client.status()).entries).toBe((await bob.client.status()).entries)
    const [atBob, atCid] = await versionsOf([bob, cid])
    expect(atCid).toEqual(atBob)
  })

  it('brings back what the mesh has lost, in two nodes from one backup, and doubles nothing', {
    timeout: 240_000,
  }, async () => {
    const [ann, bob] = (await fleet.mesh(['ann', 'bob'], interval)) as [Daemon, Daemon]
    await ann.client.put('shared', 'one')
    await allEqual([ann, bob])
    await ann.client.block([bob.name])
    await bob.client.put('shared', 'of bob')
    await ann.client.put('shared', 'of ann')
    await ann.client.put('alone', 'only in the backup')
    await ann.client.put('retried', 'first', { idempotencyKey: 'op-1' })
    expect((await ann.cli(['backup', file])).exit).toBe(0)
    await ann.kill()
    const told = await runProgram(['restore', file, '--data', join(fleet.folder, 'told')])
    expect(told.stdout.toString()).toContain(`hearsay forget ${ann.ready.peer}`)
    const [cid, dan] = [await restored('cid'), await restored('dan')]
    await Promise.all([cid.start(), dan.start()])
    expect(new Set([ann, bob, cid, dan].map(({ ready }) => ready.peer)).size).toBe(4)
    // Both write at once, before they know of each other.
    await cid.client.put('of/cid', 'cid')
    await dan.client.put('of/dan', 'dan')
    // A request that the dead node had answered is not done again, by neither of them.
    for (const node of [cid, dan]) await node.client.put('retried', 'first', { idempotencyKey: 'op-1' })
    await bob.client.forget(ann.ready.peer)
    const nodes = [bob, cid, dan]
    await allEqual(nodes)
    for (const { client } of nodes) {
      const shared = (await client.getAll('shared')).versions.map(({ value, node }) => `${node}: ${value}`)
      expect(shared.sort()).toEqual(['ann: of ann', 'bob: of bob'])
      for (const [key, value] of [
        ['alone', 'only in the backup'],
        ['of/cid', 'cid'],
        ['of/dan', 'dan'],
      ] as const) {
        expect((await client.getAll(key)).versions.map((version) => version.value)).toEqual([value])
      }
      expect((await client.getAll('retried')).versions).toHaveLength(1)
      expect(await client.status()).toMatchObject({ entries: 5, conflicts: 1 })
    }
    const all = await versionsOf(nodes)
    expect(new Set(all.map((versions) => versions.join('\n'))).size).toBe(1)
  })

  it('with the same identity over its own directory: the member is back, deletes of the meantime stay', {
    timeout: 240_000,
  }, async () => {
    const [ann, bob] = (await fleet.mesh(['ann', 'bob'], interval)) as [Daemon, Daemon]
    for (let at = 0; at < 30; at++) await ann.client.put(`k/${at}`, 'before')
    await allEqual([ann, bob])
    expect((await ann.cli(['backup', file])).exit).toBe(0)
    const running = await runProgram(['restore', file, '--data', ann.data, '--force'])
    expect(running.exit).toBe(1)
    expect(running.stderr).toContain('STORE_LOCKED')
    for (let at = 0; at < 10; at++) await ann.client.delete(`k/${at}`)
    await ann.client.put('k/20', 'after')
    await ann.client.put('new', 'after')
    await allEqual([ann, bob])
    expect(await ann.stop()).toBe(0)
    expect((await runProgram(['restore', file, '--data', ann.data])).stderr).toContain('WOULD_OVERWRITE')
    const { exit, stdout } = await runProgram(['restore', file, '--data', ann.data, '--force', '--same-identity'])
    expect(exit).toBe(0)
    expect(stdout.toString()).toContain('must never run beside it')
    const peer = ann.ready.peer
    await ann.start()
    expect(ann.ready.peer).toBe(peer)
    await connectedTo(ann, 1)
    await allEqual([ann, bob])
    for (const { client } of [ann, bob]) {
      expect(await client.status()).toMatchObject({ entries: 21, conflicts: 0, members: [expect.anything()] })
      expect((await client.get('k/20')).value.toString()).toBe('after')
      expect((await client.get('new')).value.toString()).toBe('after')
    }
    const [atAnn, atBob] = await versionsOf([ann, bob])
    expect(atAnn).toEqual(atBob)
  })

  it.skipIf(isShort)(
    `killed in the middle of a restore: the node there is the old one or the restored one, whole${inCi}`,
    {
      timeout: 600_000,
    },
    async () => {
      const ann = await fleet.add('ann')
      const lines = (value: string, count: number) =>
        Array.from({ length: count }, (_, at) => `${JSON.stringify({ key: `k/${at}`, value })}\n`).join('')
      expect((await ann.cli(['import', '-'], lines('saved', 3000))).exit).toBe(0)
      expect((await ann.cli(['backup', file])).exit).toBe(0)
      const old = fleet.prepare('old')
      await old.start()
      expect((await old.cli(['import', '-'], lines('old', 1000))).exit).toBe(0)
      await old.stop()
      const random = new Random(seedOf(12))
      const tried = amount(2, 5, 60)
      const outcomes = { old: 0, saved: 0 }
      const wholeMs = await timeOf(() => runProgram(['restore', file, '--data', join(fleet.folder, 'spare')]))
      for (let round = 0; round < tried; round++) {
        const isEmpty = round % 2 === 1
        const place = isEmpty ? fleet.prepare(`empty-${round}`) : old
        const child = spawn(process.execPath, [program, 'restore', file, '--data', place.data, '--force'])
        const closed = once(child, 'close')
        await new Promise((resolve) => setTimeout(resolve, wholeMs * (0.3 + 0.8 * random.next())))
        child.kill('SIGKILL')
        await closed
        await place.start()
        const { entries } = await verified(place)
        const value = entries === 0 ? 'old' : ((await place.client.get('k/0')).value.toString() as 'old' | 'saved')
        expect(entries).toBe(value === 'saved' ? 3000 : isEmpty ? 0 : 1000)
        outcomes[value]++
        await place.stop()
        expect(readdirSync(place.data).filter((name) => name.startsWith('restore.'))).toEqual([])
        expect(place.stderr).not.toContain('damage')
        if (value === 'saved' && !isEmpty) await renew(place, lines('old', 1000))
      }
      note({ fault: 'kill -9 in the middle of a restore', tried, checked: tried, lost: 0 })
      if (isLong) expect(Math.min(outcomes.old, outcomes.saved)).toBeGreaterThan(0)
    },
  )
})

/** The status of a daemon, once its store has proven sound. */
async function verified({ client }: Daemon) {
  const isVerified = ({ details }: { details: unknown }) => (details as { verified?: boolean }).verified === true
  await until('the store to be verified', () => client.health(), isVerified)
  return client.status()
}

/** Makes a node as it was before a restore. */
async function renew(place: Daemon, lines: string): Promise<void> {
  rmSync(place.data, { recursive: true })
  await place.start()
  expect((await place.cli(['import', '-'], lines)).exit).toBe(0)
  await place.stop()
  expect(existsSync(join(place.data, 'store'))).toBe(true)
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}
