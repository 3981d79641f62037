/** What users see of registers: siblings, contexts, deletes, expiry, retries, listings. */
import { describe, expect, it } from 'vitest'
import { Access } from '../../store/data/access.js'
import { Registers } from '../../store/data/registers.js'
import { UserData } from '../../store/data/user-data.js'
import { register } from '../../store/model/address.js'
import { keepSiblings, lastWrite, type Resolvers } from '../../store/model/resolver.js'
import { tokenKey } from '../../store/model/token.js'
import { type OpenReplica, openNode } from '../support/replicas.js'

const secret = tokenKey(Buffer.alloc(32, 7))
const lww: Resolvers = { ...keepSiblings, outcome: (_key, groups) => lastWrite(groups) }
const bytes = (text: string) => Buffer.from(text)
const text = (value: Uint8Array) => Buffer.from(value).toString()

async function open(
  name: string,
  resolver: 'siblings' | 'lww' = 'siblings',
): Promise<OpenReplica & { registers: Registers }> {
  const node = await openNode(name)
  return {
    ...node,
    registers: new Registers(new Access(node.replica, () => secret, resolver === 'lww' ? lww : keepSiblings)),
  }
}

/** Sends everything that one has applied and the other has not. */
async function copy(from: OpenReplica, to: OpenReplica): Promise<void> {
  const missing = from.replica.sync.capture().applied.minus(to.replica.sync.capture().applied)
  const found = await from.replica.sync.readMissing(missing, 1 << 20, to.replica.sync.capture().applied)
  expect(found.unlisted.isEmpty).toBe(true)
  await to.replica.sync.applyUpdates({ updates: [...found.updates], members: from.replica.sync.capture().members })
}

async function conflict(resolver: 'siblings' | 'lww' = 'siblings') {
  const [a, b] = [await open('a', resolver), await open('b', resolver)]
  await a.registers.put('k', bytes('old'), {})
  await copy(a, b)
  await a.registers.put('k', bytes('left'), {})
  b.environment.pass(5)
  await b.registers.put('k', bytes('right'), {})
  await copy(a, b)
  await copy(b, a)
  return { a, b }
}

const shown = (registers: Registers, key = 'k') => registers.get(key)?.versions.map((version) => text(version.value))

describe('registers', () => {
  it('a put is read back, byte for byte, and replaces what was there', async () => {
    const { registers } = await open('a')
    const value = Uint8Array.from({ length: 256 }, (_, at) => at)
    await registers.put('any/Key \u0000 ü', value, {})
    expect([...registers.get('any/Key \u0000 ü')!.versions[0]!.value]).toEqual([...value])
    await registers.put('any/Key \u0000 ü', bytes('new'), {})
    expect(shown(registers, 'any/Key \u0000 ü')).toEqual(['new'])
    expect(registers.get('none')).toBeUndefined()
  })

  it('two sides that write the same key both keep their update, the later one shown first', async () => {
    const { a, b } = await conflict()
    expect(shown(a.registers)).toEqual(['right', 'left'])
    expect(shown(b.registers)).toEqual(['right', 'left'])
    expect(a.registers.get('k')!.versions.map((version) => version.member)).toEqual(
      b.registers.get('k')!.versions.map((version) => version.member),
    )
  })

  it('a put without a context replaces the shown winner alone; with the context of all, all', async () => {
    const { a } = await conflict()
    await a.registers.put('k', bytes('third'), {})
    expect(shown(a.registers)?.toSorted()).toEqual(['left', 'third'])
    const { context } = a.registers.get('k')!
    await a.registers.put('k', bytes('settled'), { context })
    expect(shown(a.registers)).toEqual(['settled'])
  })

  it('a put says how many versions a read shows then, also when it is repeated', async () => {
    const { a } = await conflict()
    const retry = { key: 'once', requestHash: new Uint8Array(32) }
    expect(await a.registers.put('k', bytes('third'), { retry })).toMatchObject({ siblings: 2 })
    expect(await a.registers.put('k', bytes('third'), { retry })).toMatchObject({ siblings: 2 })
    expect(await a.registers.put('k', bytes('left'), {})).toMatchObject({ siblings: 1 })
    const { context } = a.registers.get('k')!
    expect(await a.registers.put('k', bytes('settled'), { context })).toMatchObject({ siblings: 1 })
    expect(await (await conflict('lww')).a.registers.put('k', bytes('third'), {})).toMatchObject({ siblings: 1 })
  })

  it('a put with a context supersedes exactly what that read returned, also what the node has not seen yet', async () => {
    const { a, b } = await conflict()
    const c = await open('c')
    const { context } = a.registers.get('k')!
    await c.registers.put('k', bytes('settled at c'), { context })
    await copy(a, c)
    await copy(b, c)
    expect(shown(c.registers)).toEqual(['settled at c'])
    await copy(c, a)
    expect(shown(a.registers)).toEqual(['settled at c'])
  })

  it('under lww a put replaces everything in view', async () => {
    const { a } = await conflict('lww')
    expect(shown(a.registers)).toEqual(['right'])
    await a.registers.put('k', bytes('third'), {})
    expect(a.replica.versions({ key: 'k', type: 'reg', field: new Uint8Array(0) })).toHaveLength(1)
  })

  it('equal values on both sides are no conflict, and a delete removes the whole group', async () => {
    const [a, b] = [await open('a'), await open('b')]
    await a.registers.put('k', bytes('same'), {})
    await b.registers.put('k', bytes('same'), { expiresAtMs: a.environment.nowMs() + 1000 })
    await copy(b, a)
    expect(shown(a.registers)).toEqual(['same'])
    expect(a.registers.get('k')!.versions[0]!.expiresAtMs).toBeNull()
    await a.registers.delete('k', {})
    expect(a.registers.get('k')).toBeUndefined()
  })

  it.each([
    ['a put', (registers: Registers) => registers.put('k', bytes('new'), {}), ['new']],
    ['a delete', (registers: Registers) => registers.delete('k', {}), undefined],
    ['a delete of all', (registers: Registers) => registers.delete('k', { all: true }), undefined],
  ])('%s takes the whole group of equal values, also a dot whose own deadline has passed', async (_, write, after) => {
    const [a, b] = [await open('a'), await open('b')]
    await a.registers.put('k', bytes('same'), { expiresAtMs: a.environment.nowMs() + 1000 })
    await b.registers.put('k', bytes('same'), {})
    await copy(a, b)
    await copy(b, a)
    a.environment.pass(1500)
    expect(shown(a.registers)).toEqual(['same'])
    await write(a.registers)
    await copy(a, b)
    // The clock of b is behind: there the deadline has not passed yet.
    expect(shown(b.registers)).toEqual(after)
  })

  it('a delete refuses a conflict, unless it says which versions it has in view', async () => {
    const { a, b } = await conflict()
    await expect(a.registers.delete('k', {})).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(shown(a.registers)).toHaveLength(2)
    await a.registers.delete('k', { context: a.registers.get('k')!.winnerContext })
    expect(shown(a.registers)).toEqual(['left'])
    await b.registers.delete('k', { all: true })
    expect(b.registers.get('k')).toBeUndefined()
    await expect(b.registers.delete('k', {})).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('a delete does not take away what its writer had not seen', async () => {
    const [a, b] = [await open('a'), await open('b')]
    await a.registers.put('k', bytes('old'), {})
    await copy(a, b)
    await a.registers.delete('k', {})
    await b.registers.put('k', bytes('new'), {})
    await copy(a, b)
    await copy(b, a)
    expect(shown(a.registers)).toEqual(['new'])
    expect(shown(b.registers)).toEqual(['new'])
  })

  it('a token of another key, or an altered one, stores nothing', async () => {
    const { registers } = await open('a')
    await registers.put('one', bytes('1'), {})
    await registers.put('two', bytes('2'), {})
    const { context } = registers.get('one')!
    await expect(registers.put('two', bytes('x'), { context })).rejects.toMatchObject({ code: 'BAD_CONTEXT' })
    await expect(registers.put('one', bytes('x'), { context: `${context}A` })).rejects.toMatchObject({
      code: 'BAD_CONTEXT',
    })
    expect(shown(registers, 'one')).toEqual(['1'])
    expect(shown(registers, 'two')).toEqual(['2'])
  })

  it('--if-absent refuses an existing key, and takes one whose only version has expired', async () => {
    const { registers, environment } = await open('a')
    await registers.put('k', bytes('1'), { expiresAtMs: environment.nowMs() + 100 })
    await expect(registers.put('k', bytes('2'), { ifAbsent: true })).rejects.toMatchObject({ code: 'EXISTS' })
    environment.pass(100)
    expect(registers.get('k')).toBeUndefined()
    await registers.put('k', bytes('2'), { ifAbsent: true })
    expect(shown(registers)).toEqual(['2'])
  })

  it('a retry under the same key is applied once and answers the first dot; another request under it is refused', async () => {
    const { registers } = await open('a')
    const retry = { key: 'op-1', requestHash: bytes('hash') }
    const first = await registers.put('k', bytes('1'), { retry })
    await registers.put('k', bytes('2'), {})
    expect((await registers.put('k', bytes('1'), { retry })).dot).toEqual(first.dot)
    expect(shown(registers)).toEqual(['2'])
    const other = { key: 'op-1', requestHash: bytes('other') }
    await expect(registers.put('k', bytes('3'), { retry: other })).rejects.toMatchObject({ code: 'RETRY_KEY_REUSED' })
  })

  it('a guard refuses a write, but not the retry of one that is stored', async () => {
    const { registers } = await open('a')
    const guard = () => {
      throw new Error('refused')
    }
    const retry = { key: 'op-1', requestHash: bytes('hash') }
    await expect(registers.put('k', bytes('1'), { guard, retry })).rejects.toThrow('refused')
    expect(registers.get('k')).toBeUndefined()
    const { dot } = await registers.put('k', bytes('1'), { retry })
    expect((await registers.put('k', bytes('1'), { guard, retry })).dot).toEqual(dot)
    await expect(registers.delete('k', { guard })).rejects.toThrow('refused')
  })

  it('a guard that waits has the write begin again, with what has come meanwhile in view', async () => {
    const { registers } = await open('a')
    await registers.put('k', bytes('1'), {})
    let isProven = false
    const guard = () => (isProven ? undefined : prove())
    const prove = async () => {
      // In a later turn: a write begins nothing of the store itself.
      await Promise.resolve()
      await registers.put('k', bytes('2'), {})
      isProven = true
    }
    await registers.put('k', bytes('3'), { guard })
    expect(shown(registers)).toEqual(['3'])
    const refuse = async () => {
      throw new Error('refused')
    }
    await expect(registers.put('k', bytes('4'), { guard: refuse })).rejects.toThrow('refused')
    expect(shown(registers)).toEqual(['3'])
  })

  it('lists keys in the order of their bytes, page by page', async () => {
    const { registers } = await open('a')
    const keys = ['a', 'a\u0000', 'a\u0000b', 'a/b', 'aa', 'b', 'ä', '\u{10000}', '\uffff']
    for (const key of keys.toReversed()) await registers.put(key, bytes(key), {})
    const sorted = keys.toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
    const all: string[] = []
    for (let after: string | undefined; ; ) {
      const page = await registers.list({
        prefix: '',
        limit: 2,
        values: true,
        ...(after === undefined ? {} : { after }),
      })
      expect(page.items.length).toBeLessThanOrEqual(2)
      for (const item of page.items) expect(text(item.value!)).toBe(item.key)
      all.push(...page.items.map((item) => item.key))
      if (page.next === null) break
      after = page.next
    }
    expect(all).toEqual(sorted)
    const prefixed = await registers.list({ prefix: 'a', limit: 100, values: false })
    expect(prefixed.items.map((item) => item.key)).toEqual(sorted.filter((key) => key.startsWith('a')))
    expect(prefixed.items[0]).toEqual({ key: 'a', types: ['reg'], siblings: 1 })
  })

  it('lists conflicts, and settles one by number unless a newer sibling has come', async () => {
    const { a, b } = await conflict()
    await a.registers.put('calm', bytes('1'), {})
    const page = await a.registers.conflicts({ prefix: '', limit: 10 })
    expect(page.items.map((item) => item.key)).toEqual(['k'])
    expect(page.items[0]!.versions.map((version) => text(version.value))).toEqual(['right', 'left'])
    const c = await open('c')
    await c.registers.put('k', bytes('unseen'), {})
    await copy(c, a)
    const { context } = page.items[0]!
    await expect(a.registers.resolve('k', { pick: 1 }, { context })).rejects.toMatchObject({ code: 'STALE_CONTEXT' })
    await expect(b.registers.resolve('k', { pick: 3 }, { context })).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await b.registers.resolve('k', { pick: 2 }, { context })
    expect(shown(b.registers)).toEqual(['left'])
    await copy(b, a)
    expect(shown(a.registers)?.toSorted()).toEqual(['left', 'unseen'])
  })

  it('importing the same twice adds nothing; extra siblings stay siblings', async () => {
    const { registers, replica } = await open('a')
    const { contents } = new UserData(new Access(replica, () => secret))
    for (let round = 0; round < 2; round++) {
      const first = await contents.importVersion(register('k'), bytes('one'), { expiresAtMs: null, extra: false })
      const extra = await contents.importVersion(register('k'), bytes('two'), { expiresAtMs: null, extra: true })
      expect([first, extra]).toEqual([round === 0, round === 0])
      expect(shown(registers)?.toSorted()).toEqual(['one', 'two'])
    }
  })

  it('a version from the far future is shown last and does not move the clock', async () => {
    const { a, b } = await conflict()
    const c = await open('c')
    c.environment.setWallClock(c.environment.nowMs() + 365 * 24 * 3600 * 1000)
    await c.registers.put('k', bytes('from the future'), {})
    await copy(c, a)
    expect(shown(a.registers)).toEqual(['right', 'left', 'from the future'])
    await a.registers.put('other', bytes('x'), {})
    expect(a.registers.get('other')!.versions[0]!.time.ms).toBeLessThan(b.environment.nowMs() + 60_000)
  })
})

describe('undoing a resolution', () => {
  it('brings back what it settled, the same version first, and only in place of the resolution', async () => {
    const { a, b } = await conflict()
    const before = shown(a.registers)
    const { dot, settled } = await a.registers.resolve('k', { value: bytes('both') }, {})
    expect(settled!.map(({ value }) => text(value))).toEqual(before)
    const undone = await a.registers.reopen('k', dot, settled!)
    expect(shown(a.registers)).toEqual(before)
    expect(a.registers.get('k')!.context).toBe(undone.context)
    expect(a.registers.get('k')!.versions.map((version) => version.dot)).toMatchObject(undone.dots)
    await copy(a, b)
    expect(shown(b.registers)).toEqual(before)
  })

  it('is refused once something newer has been written over it', async () => {
    const { a } = await conflict()
    const { dot, settled } = await a.registers.resolve('k', { pick: 1 }, {})
    await a.registers.put('k', bytes('newer'), {})
    await expect(a.registers.reopen('k', dot, settled!)).rejects.toMatchObject({ code: 'STALE_CONTEXT' })
    expect(shown(a.registers)).toEqual(['newer'])
  })

  it('leaves alone what was written elsewhere without having seen the resolution', async () => {
    const { a, b } = await conflict()
    const before = shown(a.registers)!
    const { dot, settled } = await a.registers.resolve('k', { pick: 1 }, {})
    b.environment.pass(50)
    await b.registers.put('other', bytes('x'), {})
    await b.registers.put('k', bytes('elsewhere'), {})
    await copy(b, a)
    await a.registers.reopen('k', dot, settled!)
    expect(new Set(shown(a.registers))).toEqual(new Set([...before, 'elsewhere']))
  })

  it('gets no settled versions from a retry', async () => {
    const { a } = await conflict()
    const retry = { key: 'once', requestHash: bytes('hash') }
    const first = await a.registers.resolve('k', { pick: 1 }, { retry })
    const again = await a.registers.resolve('k', { pick: 1 }, { retry })
    expect([again.dot, again.settled]).toEqual([first.dot, undefined])
  })
})
