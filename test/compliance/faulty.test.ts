/** What the faulty store adds: its faults strike where they are told to, and nowhere else. */
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../../store/memory.js'
import { FaultyStore } from '../support/faulty-store.js'
import { change, latin1Bytes, listed } from './kv-model.js'

describe('FaultyStore', () => {
  const failure = { code: 'STORE_FAILED' }

  it('fails the write it is told to, before or after it took effect, and no other', async () => {
    const store = new FaultyStore(new MemoryStore())
    store.failWrite(2, 'before')
    store.failWrite(3, 'after')
    await store.write([change('a', '1')], { sync: true })
    await expect(store.write([change('b', '2')], { sync: true })).rejects.toMatchObject(failure)
    await expect(store.write([change('c', '3')], { sync: true })).rejects.toMatchObject(failure)
    await store.write([change('d', '4')], { sync: true })
    expect((await listed(store.scan({}))).map(([key]) => key)).toEqual(['a', 'c', 'd'])
    expect(store.writes).toBe(4)
  })

  it('loses what no sync has covered', async () => {
    const store = new FaultyStore(new MemoryStore())
    await store.write([change('a', '1')], { sync: false })
    await store.write([change('b', '1')], { sync: true })
    await store.write([change('a', '2'), change('c', '1')], { sync: false })
    await store.write([change('a', null), change('b', null)], { sync: false })
    const left = await store.crash('unsynced')
    expect(await listed(left.scan({}))).toEqual([
      ['a', '1'],
      ['b', '1'],
    ])
    expect(() => store.get(latin1Bytes('a'))).toThrow()
    await expect(store.write([change('x', '')], { sync: true })).rejects.toMatchObject(failure)
  })

  it('loses the last batches, synced or not, and nothing when not told to', async () => {
    const store = new FaultyStore(new MemoryStore())
    for (const value of ['1', '2', '3', '4']) await store.write([change('a', value)], { sync: true })
    const left = new FaultyStore(await store.crash({ lastBatches: 2 }))
    expect(left.get(latin1Bytes('a'))).toEqual(latin1Bytes('2'))
    await left.write([change('a', '5')], { sync: false })
    expect((await left.crash()).get(latin1Bytes('a'))).toEqual(latin1Bytes('5'))
    await expect(new FaultyStore(new MemoryStore()).crash({ lastBatches: 1 })).rejects.toThrow(RangeError)
  })

  it('holds writes until they are let go, and loses held ones in a crash', async () => {
    const store = new FaultyStore(new MemoryStore())
    const release = store.holdWrites('before')
    const held = store.write([change('a', '1')], { sync: true })
    let isDone = false
    void held.then(() => {
      isDone = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect([isDone, store.get(latin1Bytes('a'))]).toEqual([false, undefined])
    release()
    await held
    expect(store.get(latin1Bytes('a'))).toEqual(latin1Bytes('1'))
    store.holdWrites('after')
    const late = store.write([change('b', '1')], { sync: true })
    await new Promise((resolve) => setImmediate(resolve))
    expect(store.get(latin1Bytes('b'))).toEqual(latin1Bytes('1'))
    const [left] = await Promise.all([store.crash(), expect(late).rejects.toMatchObject(failure)])
    expect(left.get(latin1Bytes('b'))).toEqual(latin1Bytes('1'))
  })

  it('flips one bit of a chosen row, and loses chosen rows', async () => {
    const store = new FaultyStore(new MemoryStore())
    await store.write([change('a', 'value'), change('b', 'value'), change('c', 'value')], { sync: true })
    await store.flipBit(latin1Bytes('b'), 8)
    expect(await listed(store.scan({}))).toEqual([
      ['a', 'value'],
      ['b', 'v`lue'],
      ['c', 'value'],
    ])
    expect(await store.loseRows({ gte: latin1Bytes('b') })).toBe(2)
    expect(await listed(store.scan({}))).toEqual([['a', 'value']])
    await expect(store.flipBit(latin1Bytes('b'), 0)).rejects.toThrow(RangeError)
    await expect(store.flipBit(latin1Bytes('a'), 40)).rejects.toThrow(RangeError)
  })
})
