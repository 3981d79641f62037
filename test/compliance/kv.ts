/** What every store must do, as one suite that takes the store. */
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { KvStore } from '../../store/kv.js'
import {
  applyTo,
  batchOf,
  change,
  latin1Bytes,
  latin1Text,
  listed,
  type Model,
  modelRange,
  modelScan,
} from './kv-model.js'

/** A kind of store under test. */
export interface KvCandidate {
  readonly name: string
  /** Opens a new, empty store. */
  create(): Promise<KvStore>
  /** Closes a store and opens what it has stored again. */
  reopen(store: KvStore): Promise<KvStore>
  /** Properties run so many times: fewer where opening is slow. */
  readonly runs: number
}

/** Declares the suite for a kind of store. */
export function kvCompliance({ name, create, reopen, runs }: KvCandidate): void {
  describe(`${name} as a store`, () => {
    const open: KvStore[] = []
    const created = async (): Promise<KvStore> => {
      const store = await create()
      open.push(store)
      return store
    }
    afterEach(async () => {
      for (const store of open.splice(0)) await store.close()
    })

    it('returns what was written, and undefined for what was not', async () => {
      const store = await created()
      await store.write([change('a', 'one'), change('b', '')], { sync: true })
      expect(store.get(latin1Bytes('a'))).toEqual(latin1Bytes('one'))
      expect(store.get(latin1Bytes('b'))).toEqual(latin1Bytes(''))
      expect(store.get(latin1Bytes('c'))).toBeUndefined()
      await store.write([change('a', null), change('b', 'two'), change('never', null)], { sync: false })
      expect(store.get(latin1Bytes('a'))).toBeUndefined()
      expect(await listed(store.scan({}))).toEqual([['b', 'two']])
    })

    it('keeps its own copy of what was written', async () => {
      const store = await created()
      const [key, value] = [latin1Bytes('key'), latin1Bytes('value')]
      await store.write([{ key, value }], { sync: false })
      key.fill(0)
      value.fill(0)
      expect(await listed(store.scan({}))).toEqual([['key', 'value']])
      expect(store.get(latin1Bytes('key'))).toEqual(latin1Bytes('value'))
    })

    it('takes plain byte arrays and views into larger ones', async () => {
      const store = await created()
      const whole = new Uint8Array([9, 1, 2, 9])
      await store.write([{ key: whole.subarray(1, 3), value: whole.subarray(2, 4) }], { sync: false })
      expect(latin1Text(store.get(Uint8Array.of(1, 2))!)).toBe('\x02\x09')
      expect(await listed(store.scan({ gt: whole.subarray(1, 2) }))).toEqual([['\x01\x02', '\x02\x09']])
    })

    it('lets the last change of a key in a batch win', async () => {
      const store = await created()
      await store.write([change('a', '1'), change('a', null), change('a', '2'), change('b', '3'), change('b', null)], {
        sync: true,
      })
      expect(await listed(store.scan({}))).toEqual([['a', '2']])
    })

    it('shows nothing of a batch before it is written, and all of it afterwards', async () => {
      const store = await created()
      const batch = Array.from({ length: 50 }, (_, number) => change(`key ${number}`, 'x'))
      const written = store.write(batch, { sync: true })
      expect(batch.filter(({ key }) => store.get(key) !== undefined)).toEqual([])
      await written
      expect(batch.filter(({ key }) => store.get(key) === undefined)).toEqual([])
    })

    it('writes batches in the order of calls', async () => {
      const store = await created()
      const writes = Array.from({ length: 30 }, (_, number) =>
        store.write([change('last', `${number}`), change(`own ${number}`, '')], { sync: number % 3 === 0 }),
      )
      await Promise.all(writes)
      expect(store.get(latin1Bytes('last'))).toEqual(latin1Bytes('29'))
      expect((await listed(store.scan({ gte: latin1Bytes('own') }))).length).toBe(30)
    })

    it('accepts an empty batch', async () => {
      const store = await created()
      await store.write([], { sync: true })
      expect(await listed(store.scan({}))).toEqual([])
    })

    it('orders keys as unsigned bytes, a prefix before what continues it', async () => {
      const store = await created()
      const keys = ['\xff\xff', '\x80', '', '\x00', 'a\x00', 'a', '\x7f', 'B', '\xff', 'aa']
      await store.write(
        keys.map((key) => change(key, 'v')),
        { sync: false },
      )
      const sorted = ['', '\x00', 'B', 'a', 'a\x00', 'aa', '\x7f', '\x80', '\xff', '\xff\xff']
      expect((await listed(store.scan({}))).map(([key]) => key)).toEqual(sorted)
      expect((await listed(store.scan({ reverse: true }))).map(([key]) => key)).toEqual(sorted.toReversed())
    })

    it('scans large ranges in several chunks, in both directions, up to a limit', async () => {
      const store = await created()
      const key = (number: number): string => number.toString().padStart(6, '0')
      const rows = Array.from({ length: 3000 }, (_, number) => change(key(number), `value ${number}`))
      await store.write(rows, { sync: false })
      const chunks: number[] = []
      for await (const chunk of store.scan({})) chunks.push(chunk.length)
      expect(chunks.length).toBeGreaterThan(1)
      const all = rows.map((_, number) => [key(number), `value ${number}`])
      expect(await listed(store.scan({}))).toEqual(all)
      expect(await listed(store.scan({ reverse: true }))).toEqual(all.toReversed())
      const limited = store.scan({ gt: latin1Bytes(key(10)), limit: 1500 })
      expect(await listed(limited)).toEqual(all.slice(11, 1511))
      const backward = store.scan({ lt: latin1Bytes(key(2500)), reverse: true, limit: 1500 })
      expect(await listed(backward)).toEqual(all.slice(1000, 2500).toReversed())
    })

    it('bounds the bytes of a chunk', async () => {
      const store = await created()
      const value = Buffer.alloc(100_000, 7)
      for (let number = 0; number < 20; number++)
        await store.write([{ key: latin1Bytes(`${number}`), value }], { sync: false })
      let rows = 0
      for await (const chunk of store.scan({})) {
        expect(chunk.length).toBeLessThanOrEqual(3)
        rows += chunk.length
      }
      expect(rows).toBe(20)
    })

    it('keeps large values whole', async () => {
      const store = await created()
      const value = Buffer.alloc(9 * 1024 * 1024, 'large ')
      await store.write([{ key: latin1Bytes('large'), value }], { sync: true })
      expect(Buffer.compare(store.get(latin1Bytes('large'))!, value)).toBe(0)
    })

    it('can stop a scan early', async () => {
      const store = await created()
      await store.write(
        Array.from({ length: 2000 }, (_, number) => change(`${number}`, '')),
        { sync: false },
      )
      for await (const rows of store.scan({})) {
        expect(rows.length).toBeGreaterThan(0)
        break
      }
      expect(store.get(latin1Bytes('7'))).toEqual(latin1Bytes(''))
    })

    it('scans one view while rows are written', async () => {
      const store = await created()
      const key = (number: number): string => number.toString().padStart(5, '0')
      await store.write(
        Array.from({ length: 2000 }, (_, number) => change(key(number), 'old')),
        { sync: false },
      )
      const seen: string[] = []
      for await (const rows of store.scan({})) {
        for (const row of rows) seen.push(`${latin1Text(row.key)} ${latin1Text(row.value)}`)
        await store.write(
          Array.from({ length: 2500 }, (_, number) => change(key(number), number % 2 === 0 ? null : 'new')),
          { sync: false },
        )
      }
      expect(seen).toEqual(Array.from({ length: 2000 }, (_, number) => `${key(number)} old`))
    })

    it('shows in a snapshot what was there, in get and scan, whatever is written later', async () => {
      const store = await created()
      await store.write([change('a', '1'), change('b', '2'), change('c', '3')], { sync: false })
      const first = store.snapshot()
      await store.write([change('a', 'x'), change('b', null), change('d', '4')], { sync: false })
      const second = store.snapshot()
      await store.write([change('a', null), change('d', 'y')], { sync: true })
      await store.compact({ gte: latin1Bytes(''), lt: latin1Bytes('\xff') })
      expect(await listed(store.scan({}, first))).toEqual([
        ['a', '1'],
        ['b', '2'],
        ['c', '3'],
      ])
      expect(await listed(store.scan({ reverse: true, limit: 2 }, second))).toEqual([
        ['d', '4'],
        ['c', '3'],
      ])
      expect(['a', 'b', 'd'].map((key) => store.get(latin1Bytes(key), first))).toEqual([
        latin1Bytes('1'),
        latin1Bytes('2'),
        undefined,
      ])
      expect(['a', 'b', 'd'].map((key) => store.get(latin1Bytes(key), second))).toEqual([
        latin1Bytes('x'),
        undefined,
        latin1Bytes('4'),
      ])
      expect(await listed(store.scan({}))).toEqual([
        ['c', '3'],
        ['d', 'y'],
      ])
      await first.close()
      await second.close()
    })

    it('refuses a closed or foreign snapshot', async () => {
      const store = await created()
      const other = await created()
      const snapshot = store.snapshot()
      expect(() => other.get(latin1Bytes('a'), snapshot)).toThrow()
      await expect(listed(other.scan({}, snapshot))).rejects.toThrow()
      await snapshot.close()
      await snapshot.close()
      expect(() => store.get(latin1Bytes('a'), snapshot)).toThrow()
      await expect(listed(store.scan({}, snapshot))).rejects.toThrow()
    })

    it('waits with closing for writes under way, and refuses everything afterwards', async () => {
      let store = await created()
      const written = [1, 2, 3].map((number) => store.write([change(`${number}`, 'x')], { sync: true }))
      const closed = store.close()
      await expect(Promise.all(written)).resolves.toBeDefined()
      await closed
      await store.close()
      expect(() => store.get(latin1Bytes('1'))).toThrow()
      expect(() => store.snapshot()).toThrow()
      await expect(store.write([change('4', 'x')], { sync: true })).rejects.toThrow()
      await expect(listed(store.scan({}))).rejects.toThrow()
      await expect(store.compact({ gte: latin1Bytes(''), lt: latin1Bytes('z') })).rejects.toThrow()
      store = await reopen(store)
      open.push(store)
      expect((await listed(store.scan({}))).map(([key]) => key)).toEqual(['1', '2', '3'])
    })

    it('ends a scan under way with an error when it is closed, and never as if it were complete', async () => {
      const store = await created()
      await store.write(
        Array.from({ length: 3000 }, (_, number) => change(`${number}`, '')),
        { sync: false },
      )
      const scan = store.scan({})[Symbol.asyncIterator]()
      expect((await scan.next()).done).toBe(false)
      const snapshot = store.snapshot()
      await store.close()
      await expect(scan.next()).rejects.toThrow()
      await snapshot.close()
    })

    it('refuses a limit that is no count', async () => {
      const store = await created()
      for (const limit of [-1, Number.NaN]) await expect(listed(store.scan({ limit }))).rejects.toThrow(RangeError)
    })

    it('behaves like a sorted map, in any mix of batches, ranges and snapshots', async () => {
      const step = fc.oneof(
        fc.record({ batch: batchOf }),
        fc.record({ range: modelRange, isFrozen: fc.boolean() }),
        fc.constant({ isSnapshot: true as const }),
      )
      const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const store = await create()
        const model: Model = new Map()
        let frozen = { snapshot: store.snapshot(), model: new Map(model) }
        for (const one of steps) {
          if ('batch' in one) {
            await store.write(one.batch, { sync: false })
            applyTo(model, one.batch)
          } else if ('range' in one) {
            const [scan, expected] = one.isFrozen
              ? [store.scan(one.range, frozen.snapshot), frozen.model]
              : [store.scan(one.range), model]
            expect(await listed(scan)).toEqual(modelScan(expected, one.range))
          } else {
            await frozen.snapshot.close()
            frozen = { snapshot: store.snapshot(), model: new Map(model) }
          }
        }
        for (const [key, value] of frozen.model)
          expect(latin1Text(store.get(latin1Bytes(key), frozen.snapshot)!)).toBe(value)
        await frozen.snapshot.close()
        const again = await reopen(store)
        expect(await listed(again.scan({}))).toEqual(modelScan(model, {}))
        await again.close()
      })
      await fc.assert(property, { numRuns: runs })
    })
  })
}
