/** Memory of what reads showed: what it gives back, what it must not, and its bound. */
import { describe, expect, it } from 'vitest'
import { Access } from '../../store/data/access.js'
import { Registers } from '../../store/data/registers.js'
import { isStill, ShownMemo, shownMemoBytesMax, shownMemoRowBytesMax } from '../../store/data/shown-memo.js'
import type { Shown } from '../../store/data/types.js'
import { tokenKey } from '../../store/model/token.js'
import { openNode } from '../support/replicas.js'

const shown = (key: string): Shown => ({ key, versions: [], winnerContext: key, context: key })
const [one, other] = [tokenKey(Buffer.alloc(32, 1)), tokenKey(Buffer.alloc(32, 2))]

describe('the memory of reads', () => {
  it('holds for the same bytes and the same key of tokens alone', () => {
    const memo = new ShownMemo()
    const row = Buffer.from('row')
    memo.remember('k', { rowKey: row, row, tokenKey: one, shown: shown('k') })
    const known = memo.recall('k')!
    expect(known.shown).toEqual(shown('k'))
    expect(isStill(known, Buffer.from('row'), one)).toBe(true)
    expect(isStill(known, Buffer.from('raw'), one)).toBe(false)
    expect(isStill(known, row, other)).toBe(false)
    expect(memo.recall('l')).toBeUndefined()
  })

  it('forgets the older half when it is full, and takes no large row', () => {
    const memo = new ShownMemo()
    const remember = (key: string, row: Uint8Array) =>
      memo.remember(key, { rowKey: row, row, tokenKey: one, shown: shown(key) })
    const row = Buffer.alloc(shownMemoRowBytesMax)
    const kept = Math.floor(shownMemoBytesMax / 2 / (row.length + 512))
    for (let at = 0; at <= 2 * kept; at++) remember(`${at}`, row)
    const known = (at: number) => memo.recall(`${at}`) !== undefined
    expect([known(0), known(kept - 1), known(kept), known(2 * kept)]).toEqual([false, false, true, true])
    remember('large', Buffer.alloc(shownMemoRowBytesMax + 1))
    expect(memo.recall('large')).toBeUndefined()
  })

  it('never shows what is no more: after a put, a delete, a deadline, or a new mesh secret', async () => {
    const { replica, environment } = await openNode('a')
    let secret = one
    const registers = new Registers(new Access(replica, () => secret))
    const read = async () => {
      const now = await registers.read('k')
      return now && [Buffer.from(now.versions[0]!.value).toString(), now.context]
    }
    await registers.put('k', Buffer.from('first'), {})
    const [value, token] = (await read())!
    expect(value).toBe('first')
    expect(await read()).toEqual([value, token])
    secret = other
    expect((await read())![1]).not.toBe(token)
    await registers.put('k', Buffer.from('second'), {})
    expect((await read())![0]).toBe('second')
    await registers.delete('k', {})
    expect(await read()).toBeUndefined()
    await registers.put('k', Buffer.from('brief'), { expiresAtMs: environment.nowMs() + 10 })
    expect((await read())![0]).toBe('brief')
    environment.pass(10)
    expect(await read()).toBeUndefined()
    await replica.close()
  })
})
