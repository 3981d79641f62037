/** Checking and cutting LevelDB's table files: every flipped bit is found, and what is sound stays readable. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { LevelStore } from '../../store/level.js'
import { openStore } from '../../store/open.js'
import { areTablesSound, cutDamagedBlocks } from '../../store/tables.js'
import { crc32c, unpackSnappy } from '../../store/tables-bytes.js'
import { liveTables } from '../../store/tables-manifest.js'
import { Random } from '../support/random.js'

const rows = 4000
const row = (at: number) => ({
  key: Buffer.from(`key/${String(at).padStart(6, '0')}`),
  value: Buffer.from(`value ${at} `.repeat(1 + (at % 9))),
})

describe('table files', () => {
  let folder: string
  let sound: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hearsay-tables-'))
    sound = join(folder, 'sound')
    const store = await LevelStore.open(join(sound, 'store'))
    for (let from = 0; from < rows; from += 500) {
      await store.write(
        Array.from({ length: 500 }, (_, at) => row(from + at)),
        { sync: false },
      )
    }
    await store.compact({ gte: Buffer.alloc(0), lt: Buffer.of(0xff) })
    await store.close()
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const tableOf = (directory: string) =>
    join(directory, 'store', readdirSync(join(directory, 'store')).find((name) => name.endsWith('.ldb'))!)

  /** A copy of the sound directory with one bit flipped in its table. */
  function flipped(name: string, at: number, bit: number): string {
    const directory = join(folder, name)
    cpSync(sound, directory, { recursive: true })
    const table = tableOf(directory)
    const bytes = readFileSync(table)
    bytes[at < 0 ? bytes.length + at : at]! ^= 1 << bit
    writeFileSync(table, bytes)
    return directory
  }

  async function keysOf(store: LevelStore): Promise<string[]> {
    const keys: string[] = []
    for await (const chunk of store.scan({})) {
      for (const { key, value } of chunk) {
        const at = Number(Buffer.from(key).toString().slice(4))
        expect(Buffer.from(value).equals(row(at).value)).toBe(true)
        keys.push(Buffer.from(key).toString())
      }
    }
    return keys
  }

  it('as LevelDB wrote them are sound', async () => {
    expect(await areTablesSound(join(sound, 'store'), 'all')).toBe(true)
    expect(await cutDamagedBlocks(join(sound, 'store'))).toBe(0)
  })

  it('with any one bit flipped are found, and all blocks but the damaged one stay readable', async () => {
    const random = new Random(7)
    const { length } = readFileSync(tableOf(sound))
    // Spread over the whole file, and dense where the filter, the index and the footer stand. The footer's padding
    // means nothing.
    const places = [
      ...Array.from({ length: 30 }, () => random.below(length)),
      ...Array.from({ length: 15 }, () => length - 48 - 1 - random.below(7000)),
      length - 1,
      length - 8,
      length - 48,
      length - 45,
    ]
    for (const [number, at] of places.entries()) {
      const directory = flipped(`flipped-${number}`, at, random.below(8))
      const path = join(directory, 'store')
      expect(await areTablesSound(path, 'all'), `byte ${at}`).toBe(false)
      expect(await cutDamagedBlocks(path)).toBe(1)
      expect(await areTablesSound(path, 'all')).toBe(true)
      const store = await LevelStore.open(path, { repair: true })
      const keys = await keysOf(store)
      await store.close()
      const isIndexLost = keys.length === 0
      if (isIndexLost) expect(at).toBeGreaterThan(length - 4000)
      else expect(keys.length).toBeGreaterThan(rows - 200)
      rmSync(directory, { recursive: true })
    }
  })

  it('with a damaged filter or index are found without reading the data', async () => {
    const { length } = readFileSync(tableOf(sound))
    expect(await areTablesSound(join(flipped('filter', length - 3000, 3), 'store'), 'index')).toBe(false)
    expect(await areTablesSound(join(flipped('data', 100, 3), 'store'), 'index')).toBe(true)
  })

  it('are checked before LevelDB sees them when the run before ended before it was verified', async () => {
    const directory = flipped('crashed', 200, 1)
    const first = await openStore(directory)
    expect(first.isSuspect).toBe(false)
    expect(await first.areTablesSound(async () => {})).toBe(false)
    await first.store.close()
    const second = await openStore(directory)
    expect(second.isSuspect).toBe(true)
    expect(await second.areTablesSound(async () => {})).toBe(true)
    expect((await keysOf(second.store)).length).toBeGreaterThan(rows - 200)
    await second.verified()
    await second.store.close()
    const third = await openStore(directory)
    expect(third.isSuspect).toBe(false)
    await third.store.close()
  })

  it('that were left unfinished, because the disk was full or the process was killed, are no damage', async () => {
    const directory = join(folder, 'unfinished')
    cpSync(sound, directory, { recursive: true })
    const half = readFileSync(tableOf(directory)).subarray(0, 9000)
    writeFileSync(join(directory, 'store', '000777.ldb'), half)
    writeFileSync(join(directory, 'store.unverified'), '')
    expect(await areTablesSound(join(directory, 'store'), 'all')).toBe(true)
    const opened = await openStore(directory)
    expect(opened.isSuspect).toBe(false)
    expect(await keysOf(opened.store)).toHaveLength(rows)
    await opened.store.close()
    // Where the manifest cannot be read, nobody knows which tables count.
    const manifest = join(directory, 'store', readFileSync(join(directory, 'store', 'CURRENT'), 'latin1').trim())
    const bytes = readFileSync(manifest)
    bytes[10]! ^= 1
    writeFileSync(manifest, bytes)
    expect(await liveTables(join(directory, 'store'))).toBeUndefined()
    writeFileSync(join(directory, 'store', '000777.ldb'), half)
    expect(await areTablesSound(join(directory, 'store'), 'all')).toBe(false)
  })

  it('are those that the manifest names, over any number of flushes and compactions', async () => {
    const path = join(folder, 'busy')
    const store = await LevelStore.open(path, { writeBufferBytes: 64 * 1024 })
    for (let round = 0; round < 12; round++) {
      for (let from = 0; from < rows; from += 500) {
        await store.write(
          Array.from({ length: 500 }, (_, at) => row(from + at)),
          { sync: false },
        )
      }
      if (round % 4 === 3) await store.compact({ gte: Buffer.alloc(0), lt: Buffer.of(0xff) })
    }
    await store.close()
    const onDisk = readdirSync(path).filter((name) => name.endsWith('.ldb'))
    const live = await liveTables(path)
    expect(live!.size).toBeGreaterThan(0)
    for (const number of live!) expect(onDisk).toContain(`${String(number).padStart(6, '0')}.ldb`)
    // LevelDB deletes what it does not name when it opens the directory again.
    await (await LevelStore.open(path)).close()
    const kept = readdirSync(path).filter((name) => name.endsWith('.ldb'))
    expect([...(await liveTables(path))!].sort((a, b) => a - b)).toEqual(
      kept.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b),
    )
    expect(await areTablesSound(path, 'all')).toBe(true)
  })

  it('with a sector that the disk cannot read any more are found', async () => {
    const file = await open(tableOf(sound), 'r')
    const prototype = Object.getPrototypeOf(file)
    await file.close()
    const read = prototype.read
    const spy = vi.spyOn(prototype, 'read').mockImplementation(function (this: unknown, ...args: unknown[]) {
      if (args[3] === 0) return Promise.reject(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' }))
      return read.apply(this, args)
    })
    try {
      expect(await areTablesSound(join(sound, 'store'), 'index')).toBe(true)
      expect(await areTablesSound(join(sound, 'store'), 'all')).toBe(false)
    } finally {
      spy.mockRestore()
    }
  })

  it('are read with the checksum and the packing of their format', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    // A literal of 3 bytes, then a copy of 6 from 3 back (of one-byte offset).
    expect(unpackSnappy(Buffer.from([9, 0b1000, 97, 98, 99, 0b0_01001, 3]), 100)?.toString()).toBe('abcabcabc')
    expect(unpackSnappy(Buffer.from([9, 0b1000, 97, 98, 99, 0b0_01001, 4]), 100)).toBeUndefined()
    expect(unpackSnappy(Buffer.from([9, 0b1000, 97, 98, 99, 0b0_01001, 3]), 8)).toBeUndefined()
  })
})
