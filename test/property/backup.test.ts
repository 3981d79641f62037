/** Backups of replicas that go on working: each is the state of one instant, whole, and opens as a sound store. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BackupDecoder } from '../../store/backup/decoder.js'
import type { BackupHead } from '../../store/backup/format.js'
import { takeBackup } from '../../store/backup/reading.js'
import { StoreFiller } from '../../store/backup/writing.js'
import { formatVersion, rangeOf } from '../../store/keyspace.js'
import type { KvRow, KvStore } from '../../store/kv.js'
import { MemoryStore } from '../../store/memory.js'
import { type Address, register } from '../../store/model/address.js'
import { Context } from '../../store/model/context.js'
import type { Replica } from '../../store/replica/replica.js'
import { acknowledgementKey } from '../../store/rows/acknowledgements.js'
import { entryKey } from '../../store/rows/entries.js'
import { isSealed } from '../../store/rows/seal.js'
import { stateKey } from '../../store/rows/state.js'
import { amount } from '../support/effort.js'
import { liveVersions, type OpenReplica, openNode } from '../support/replicas.js'

const keys = { seed: new Uint8Array(32).fill(1), secret: new Uint8Array(32).fill(2) }
const origin = { takenAtMs: 1, software: '1', node: 'ann', peer: 'peer', keys }
const feedId = 'feedfeedfeedfeed'
/** Large enough that a backup of some of them is made of several pieces. */
const valueBytes = 12 * 1024
const member = 'abababababababab'

interface Restored {
  readonly store: KvStore
  readonly head: BackupHead
  readonly entries: number
}

async function restored(pieces: readonly Uint8Array[]): Promise<Restored> {
  const decoder = new BackupDecoder()
  const store = new MemoryStore()
  const filler = new StoreFiller(store, feedId)
  let head: BackupHead | undefined
  for (const piece of pieces) {
    for (const part of decoder.push(piece)) {
      if (part.kind === 'head') head = part.head
      if (part.kind === 'rows') await filler.take(part.rows)
    }
  }
  decoder.end()
  return { store, head: head!, ...(await filler.verify(async () => {})) }
}

async function piecesOf(replica: Replica, between: (at: number) => Promise<void> = async () => {}) {
  const pieces: Buffer[] = []
  for await (const piece of takeBackup(replica, origin)) {
    pieces.push(piece)
    await between(pieces.length)
  }
  return pieces
}

/** Entries and contexts of a moment, as text. */
async function picture({ store, replica }: Pick<OpenReplica, 'store' | 'replica'>): Promise<string> {
  const { seen, applied } = replica.sync.capture()
  const ranges = (context: Context) => context.actors().map((actor) => [actor, ...context.rangesOf(actor)])
  return JSON.stringify([await liveVersions(store), ranges(seen), ranges(applied), replica.userEntries])
}

type Step = { readonly key: number; readonly kind: 'put' | 'sibling' | 'delete' | 'expiring' }

/** One write of a user. */
function write(replica: Replica, { key, kind }: Step, label: string): Promise<unknown> {
  const address: Address = register(`key ${key}`)
  const value = Buffer.alloc(valueBytes, label)
  return replica.transact((transaction) => {
    const dots = transaction.versions(address).map(({ dot }) => dot)
    if (kind === 'delete') return dots.length > 0 ? transaction.remove(address, dots) : undefined
    const expiresAtMs = kind === 'expiring' ? transaction.nowMs + 1e9 : null
    return transaction.put(address, value, expiresAtMs, kind === 'sibling' ? [] : dots)
  })
}

const step: fc.Arbitrary<Step> = fc.record({
  key: fc.nat(40),
  kind: fc.constantFrom('put', 'put', 'sibling', 'delete', 'expiring'),
})

describe('a backup', () => {
  it('taken while writes go on is the state of one instant: contexts and entries fit, and it is sound', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 60, maxLength: 90 }), fc.array(step), async (before, during) => {
        const node = await openNode('ann')
        for (const [at, one] of before.entries()) await write(node.replica, one, `before ${at}`)
        const pictures = [await picture(node)]
        const waiting = [...during.entries()]
        const pieces = await piecesOf(node.replica, async () => {
          for (const [at, one] of waiting.splice(0, 3)) {
            await write(node.replica, one, `during ${at}`)
            pictures.push(await picture(node))
          }
        })
        const { store, entries } = await restored(pieces)
        const back = await openNode('bob', { store })
        expect(back.warnings).toEqual([])
        const found = await picture(back)
        expect(pictures).toContain(found)
        expect(entries).toBe(back.replica.userEntries)
        await node.replica.close()
        await back.replica.close()
      }),
      { numRuns: amount(10, 25) },
    )
  })

  it('brings everything but acknowledgements: rows are the same, the feed is another', async () => {
    const node = await openNode('ann')
    for (let at = 0; at < 60; at++) {
      await write(
        node.replica,
        { key: at % 20, kind: (['put', 'expiring', 'delete', 'sibling'] as const)[at % 4]! },
        `${at}`,
      )
    }
    await node.replica.transact((transaction) => {
      transaction.put(register('once'), Buffer.from('x'), null, [])
      transaction.remember('retry', new Uint8Array(32), Buffer.from('answer'))
    })
    await node.replica.acks.save(member, new Context())
    const { store, head } = await restored(await piecesOf(node.replica))
    const skipped = (row: KvRow) =>
      Buffer.compare(row.key, stateKey) === 0 || row.key[0] === acknowledgementKey(member)[0]
    expect((await rows(store)).filter((row) => !skipped(row))).toEqual(
      (await rows(node.store)).filter((row) => !skipped(row)),
    )
    expect(await rows(store, rangeOf('acknowledgement'))).toEqual([])
    expect(await rows(store, rangeOf('retry'))).toHaveLength(1)
    expect((await rows(store, rangeOf('deadline'))).length).toBeGreaterThan(0)
    expect(head).toEqual({ takenAtMs: 1, software: '1', node: 'ann', peer: 'peer', layout: formatVersion })
    const back = await openNode('bob', { store })
    expect(back.replica.feed.bounds).toEqual({ ...node.replica.feed.bounds, id: feedId })
    expect(back.replica.userEntries).toBe(node.replica.userEntries)
    await back.replica.transact((transaction) => {
      expect(transaction.recall('retry')?.answer.toString()).toBe('answer')
    })
    await write(back.replica, { key: 1, kind: 'put' }, 'after')
    expect(back.replica.runs.actor).not.toBe(node.replica.runs.actor)
  })

  it('of a store that is not verified or has failed is refused at once', async () => {
    const node = await openNode('ann')
    const verifying = node.replica.health.verify()
    expect(await codeOf(node.replica)).toBe('NOT_VERIFIED')
    await verifying
    expect(await codeOf(node.replica)).toBeUndefined()
    const failing = node.store as MemoryStore & { write: KvStore['write'] }
    failing.write = () => Promise.reject(new Error('no space'))
    await expect(write(node.replica, { key: 1, kind: 'put' }, 'x')).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(await codeOf(node.replica)).toBe('STORE_FAILED')
  })

  it('that meets a damaged row, or during which damage is found, is broken off and says so', async () => {
    const node = await openNode('ann')
    for (let key = 0; key < 60; key++) await write(node.replica, { key, kind: 'put' }, 'x')
    const row = entryKey(register('key 7'))
    const spoilt = Buffer.from(node.store.get(row)!)
    spoilt[20]! ^= 1
    await node.store.write([{ key: row, value: spoilt }], { sync: true })
    expect(isSealed(row, spoilt)).toBe(false)
    expect(await codeOf(node.replica)).toBe('DAMAGED_VALUE')
    await node.replica.health.verify()
    expect(node.warnings.join()).toContain('damage on the disk was found')
    // Mended: the next one is sound, and the lost version is simply not in it.
    const { entries } = await restored(await piecesOf(node.replica))
    expect(entries).toBe(59)
    const pieces = await piecesOf(node.replica, async (at) => {
      if (at !== 2) return
      await node.store.write([{ key: entryKey(register('key 8')), value: spoilt }], { sync: true })
      await node.replica.health.verify()
    })
    await expect(restored(pieces)).rejects.toMatchObject({ code: 'DAMAGED_VALUE' })
  })

  it('whose rows do not agree is not restored: an entry, a dot, a context or the counts are missing', async () => {
    const node = await openNode('ann')
    for (let key = 0; key < 5; key++) await write(node.replica, { key, kind: 'put' }, 'x')
    for (const kind of ['context', 'dot', 'entry', 'meta'] as const) {
      const store = new MemoryStore()
      const filler = new StoreFiller(store, feedId)
      const [gone] = await rows(node.store, rangeOf(kind))
      const last = kind === 'meta' ? stateKey : gone!.key
      await filler.take((await rows(node.store)).filter(({ key }) => Buffer.compare(key, last) !== 0))
      await expect(filler.verify(async () => {})).rejects.toMatchObject({ code: 'BAD_BACKUP' })
    }
  })
})

async function rows(store: KvStore, range = {}): Promise<KvRow[]> {
  const all: KvRow[] = []
  for await (const chunk of store.scan(range)) {
    for (const { key, value } of chunk) all.push({ key: Uint8Array.from(key), value: Uint8Array.from(value) })
  }
  return all
}

/** The code that a backup ends with; undefined when it is whole. */
async function codeOf(replica: Replica): Promise<string | undefined> {
  try {
    await restored(await piecesOf(replica))
    return undefined
  } catch (error) {
    return (error as { code: string }).code
  }
}
