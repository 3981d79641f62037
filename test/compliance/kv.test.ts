/** Runs the compliance suite for every store, and tests what only one of them does. */
import { mkdir, mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { KvStore } from '../../store/kv.js'
import { LevelStore } from '../../store/level.js'
import { MemoryStore } from '../../store/memory.js'
import { FaultyStore } from '../support/faulty-store.js'
import { kvCompliance } from './kv.js'
import { change, latin1Bytes, listed } from './kv-model.js'

const directories: string[] = []
const pathOf = new WeakMap<KvStore, string>()

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'hearsay-kv-'))
  directories.push(path)
  return path
}

async function openLevel(path: string): Promise<LevelStore> {
  const store = await LevelStore.open(path)
  pathOf.set(store, path)
  return store
}

afterAll(async () => {
  for (const path of directories) await rm(path, { recursive: true, force: true })
})

kvCompliance({
  name: 'MemoryStore',
  create: async () => new MemoryStore(),
  reopen: async (store) => {
    await store.close()
    return (store as MemoryStore).clone()
  },
  runs: 300,
})

kvCompliance({
  name: 'LevelStore',
  create: async () => openLevel(await directory()),
  reopen: async (store) => {
    await store.close()
    return openLevel(pathOf.get(store)!)
  },
  runs: 40,
})

const inside = new WeakMap<KvStore, MemoryStore>()

function wrap(inner: MemoryStore): FaultyStore {
  const store = new FaultyStore(inner)
  inside.set(store, inner)
  return store
}

kvCompliance({
  name: 'FaultyStore without faults',
  create: async () => wrap(new MemoryStore()),
  reopen: async (store) => {
    await store.close()
    return wrap(inside.get(store)!.clone())
  },
  runs: 100,
})

describe('MemoryStore', () => {
  it('clones into two stores that go separate ways', async () => {
    const store = new MemoryStore()
    await store.write(
      Array.from({ length: 500 }, (_, number) => change(`${number}`, 'both')),
      { sync: false },
    )
    const copy = store.clone()
    await store.write([change('1', 'mine'), change('2', null), change('new', 'mine')], { sync: false })
    await copy.write([change('1', 'copy'), change('3', null)], { sync: false })
    expect([store, copy].map((one) => one.get(latin1Bytes('1')))).toEqual([latin1Bytes('mine'), latin1Bytes('copy')])
    expect([store, copy].map((one) => one.get(latin1Bytes('2')))).toEqual([undefined, latin1Bytes('both')])
    expect([store, copy].map((one) => one.get(latin1Bytes('3')))).toEqual([latin1Bytes('both'), undefined])
    expect([store, copy].map((one) => one.get(latin1Bytes('new')))).toEqual([latin1Bytes('mine'), undefined])
  })

  it('writes within a microtask, without a turn of the event loop', async () => {
    const store = new MemoryStore()
    let isTurnOver = false
    setImmediate(() => {
      isTurnOver = true
    })
    await store.write([change('a', '1')], { sync: true })
    expect(store.get(latin1Bytes('a'))).toEqual(latin1Bytes('1'))
    expect(isTurnOver).toBe(false)
  })
})

/** Closes a store after its rows have moved to table files; returns the paths of those. */
async function tablesOf(store: LevelStore): Promise<string[]> {
  await store.compact({ gte: latin1Bytes(''), lt: latin1Bytes('\xff') })
  await store.close()
  const path = pathOf.get(store)!
  return (await readdir(path)).filter((name) => name.endsWith('.ldb')).map((name) => join(path, name))
}

/** A closed store of 20,000 rows in table files. */
async function filled(): Promise<{ path: string; tables: string[] }> {
  const store = await openLevel(await directory())
  const rows = Array.from({ length: 20_000 }, (_, number) => change(`${number}`.padStart(6, '0'), 'value '.repeat(20)))
  await store.write(rows, { sync: true })
  return { path: pathOf.get(store)!, tables: await tablesOf(store) }
}

describe('LevelStore', () => {
  it('refuses a directory that is open already', async () => {
    const store = await openLevel(await directory())
    const path = pathOf.get(store)!
    await expect(LevelStore.open(path)).rejects.toMatchObject({ code: 'STORE_LOCKED', details: { path } })
    await store.write([change('a', '1')], { sync: true })
    await store.close()
    const again = await openLevel(path)
    expect(again.get(latin1Bytes('a'))).toEqual(latin1Bytes('1'))
    await again.close()
  })

  it('names the cause when it cannot be opened', async () => {
    const path = join(await directory(), 'file')
    await writeFile(path, 'not a directory')
    const opening = LevelStore.open(path)
    await expect(opening).rejects.toMatchObject({ code: 'STORE_FAILED', details: { isDamaged: false } })
    await expect(opening).rejects.toThrow(/EEXIST|ENOTDIR/)
  })

  it('refuses a directory that lost a table file, and repairs it only when told to', async () => {
    const { path, tables } = await filled()
    expect(tables.length).toBeGreaterThan(0)
    for (const table of tables) await unlink(table)
    const opening = LevelStore.open(path)
    await expect(opening).rejects.toMatchObject({ code: 'STORE_FAILED', details: { isDamaged: true } })
    await expect(opening).rejects.toThrow(/missing files/)
    const repaired = await LevelStore.open(path, { repair: true })
    expect(repaired.wasRepaired).toBe(true)
    expect(await listed(repaired.scan({}))).toEqual([])
    await repaired.write([change('a', '1')], { sync: true })
    await repaired.close()
    const again = await LevelStore.open(path, { repair: true })
    expect([again.wasRepaired, again.get(latin1Bytes('a'))]).toEqual([false, latin1Bytes('1')])
    await again.close()
  })

  it.each([/^CURRENT$/, /^MANIFEST/])('refuses a directory that lost %s, and repair finds the rows', async (lost) => {
    const { path } = await filled()
    for (const name of await readdir(path)) if (lost.test(name)) await unlink(join(path, name))
    const damage = { code: 'STORE_FAILED', details: { isDamaged: true } }
    await expect(LevelStore.open(path)).rejects.toMatchObject(damage)
    const repaired = await LevelStore.open(path, { repair: true })
    expect(repaired.wasRepaired).toBe(true)
    expect((await listed(repaired.scan({}))).length).toBe(20_000)
    await repaired.close()
  })

  it('reports damaged blocks in reads and scans, those that stop at a limit too', async () => {
    const { path, tables } = await filled()
    for (const table of tables) {
      const content = await readFile(table)
      // Blocks in the middle; the index and the footer stand at the end.
      content.fill(0xff, content.length >> 2, content.length >> 1)
      await writeFile(table, content)
    }
    const store = await LevelStore.open(path)
    const damage = { code: 'DAMAGED_VALUE' }
    await expect(listed(store.scan({}))).rejects.toMatchObject(damage)
    await expect(listed(store.scan({ reverse: true }))).rejects.toMatchObject(damage)
    // The second quarter is damaged: these limits lie behind it, and before the end.
    for (const { reverse, limit } of [
      { reverse: false, limit: 8_000 },
      { reverse: true, limit: 12_000 },
    ]) {
      await expect(listed(store.scan({ reverse, limit }))).rejects.toMatchObject(damage)
      const bounded = { gte: latin1Bytes('000001'), lt: latin1Bytes('019999'), reverse, limit }
      await expect(listed(store.scan(bounded))).rejects.toMatchObject(damage)
    }
    expect((await listed(store.scan({ limit: 10 }))).length).toBe(10)
    const failures = Array.from({ length: 20_000 }, (_, number) => {
      try {
        return store.get(latin1Bytes(`${number}`.padStart(6, '0'))) === undefined ? 'absent' : 'there'
      } catch (error) {
        return (error as { code: string }).code
      }
    })
    expect(new Set(failures)).toEqual(new Set(['there', 'DAMAGED_VALUE']))
    await store.close()
  })

  it('takes no more writes after one has failed, even when the disk works again', async () => {
    const path = join(await directory(), 'store')
    const store = await LevelStore.open(path, { writeBufferBytes: 64 * 1024 })
    await store.write([change('a', '1')], { sync: true })
    await rm(path, { recursive: true })
    // The log of the moment can still be written; the next one cannot be made.
    const fill = async (): Promise<void> => {
      for (let number = 0; number < 100; number++) {
        await store.write([{ key: latin1Bytes(`${number}`), value: Buffer.alloc(10_000, number) }], { sync: false })
      }
    }
    const failure = { code: 'STORE_FAILED' }
    await expect(fill()).rejects.toMatchObject(failure)
    await mkdir(path)
    await expect(store.write([change('b', '2')], { sync: true })).rejects.toMatchObject(failure)
    expect([store.get(latin1Bytes('a')), store.get(latin1Bytes('b'))]).toEqual([latin1Bytes('1'), undefined])
    await store.close()
  })

  it('keeps what was written when its process ends without closing', async () => {
    const store = await openLevel(await directory())
    await store.write([change('a', '1')], { sync: true })
    const copy = await directory()
    for (const name of await readdir(pathOf.get(store)!)) {
      if (name !== 'LOCK') await writeFile(join(copy, name), await readFile(join(pathOf.get(store)!, name)))
    }
    const found = await LevelStore.open(copy)
    expect(found.get(latin1Bytes('a'))).toEqual(latin1Bytes('1'))
    await found.close()
    await store.close()
  })
})
