/**
 * Documents over real replicas: concurrent edits merge, deletes take what they saw, contexts, retries, versions that
 * cannot be read.
 */
import { describe, expect, it } from 'vitest'
import { Access } from '../../store/data/access.js'
import { Documents, type EditOptions } from '../../store/data/documents.js'
import type { DocumentEdit } from '../../store/documents/document.js'
import type { JsonObject } from '../../store/documents/json.js'
import { parseJsonPatch } from '../../store/documents/json-patch.js'
import { document } from '../../store/model/address.js'
import { dotText } from '../../store/model/dot.js'
import { tokenKey } from '../../store/model/token.js'
import { type OpenReplica, openNode } from '../support/replicas.js'

const secret = tokenKey(Buffer.alloc(32, 7))
const bytesMax = 1 << 20

interface DocumentNode extends OpenReplica {
  readonly documents: Documents
  edit(edit: DocumentEdit, options?: Partial<EditOptions>): Promise<string>
  json(): Promise<JsonObject | undefined>
}

async function open(name: string): Promise<DocumentNode> {
  const node = await openNode(name)
  const documents = new Documents(new Access(node.replica, () => secret))
  return {
    ...node,
    documents,
    edit: async (edit, options = {}) => (await documents.edit('k', edit, { bytesMax, ...options })).context,
    json: async () => (await documents.get('k'))?.json,
  }
}

/** Sends everything that one has applied and the other has not. */
async function copy(from: OpenReplica, to: OpenReplica): Promise<void> {
  const missing = from.replica.sync.capture().applied.minus(to.replica.sync.capture().applied)
  const found = await from.replica.sync.readMissing(missing, 1 << 20, to.replica.sync.capture().applied)
  await to.replica.sync.applyUpdates({ updates: [...found.updates], members: from.replica.sync.capture().members })
}

async function exchange(a: OpenReplica, b: OpenReplica): Promise<void> {
  await copy(a, b)
  await copy(b, a)
}

async function pair(base: JsonObject) {
  const [a, b] = [await open('a'), await open('b')]
  await a.edit({ put: base })
  await copy(a, b)
  return { a, b }
}

const code = (promise: Promise<unknown>) => promise.then(() => 'none').catch((error: { code: string }) => error.code)
const liveCount = (node: OpenReplica) => node.replica.versions(document('k')).length

describe('documents on two nodes', () => {
  it('are read as they were put, and are not there before', async () => {
    const { documents, edit } = await open('a')
    expect(await documents.get('k')).toBeUndefined()
    await edit({ put: { a: [1, { b: null }] } })
    const shown = (await documents.get('k'))!
    expect(shown).toMatchObject({ json: { a: [1, { b: null }] }, siblings: 1, conflictCount: 0, unreadable: 0 })
  })

  it('concurrent edits of different parts all survive, and the next edit makes one version of both', async () => {
    const { a, b } = await pair({ title: 't', tags: ['x'], owner: { name: 'n' } })
    await a.edit({ put: { title: 'T', tags: ['x', 'a'], owner: { name: 'n' } } })
    await b.edit({ merge: { owner: { mail: 'm' }, tags: ['b', 'x'] } })
    await exchange(a, b)
    const merged = { title: 'T', tags: ['b', 'x', 'a'], owner: { name: 'n', mail: 'm' } }
    expect([await a.json(), await b.json()]).toEqual([merged, merged])
    expect((await a.documents.get('k'))!.siblings).toBe(2)
    await b.edit({ merge: { done: true } })
    await copy(b, a)
    expect(liveCount(a)).toBe(1)
    expect(await a.json()).toEqual({ ...merged, done: true })
  })

  it('a field set on both sides shows both values as a conflict, the same on both', async () => {
    const { a, b } = await pair({ a: 0 })
    await a.edit({ merge: { a: 1 } })
    await b.edit({ merge: { a: 2 } })
    await exchange(a, b)
    const [left, right] = [(await a.documents.get('k'))!, (await b.documents.get('k'))!]
    expect(left.conflicts).toEqual(right.conflicts)
    expect(left.json).toEqual(right.json)
    expect(left.conflicts[0]!.values.toSorted()).toEqual([1, 2])
    expect(left.context).toBe(right.context)
  })

  it('a delete takes what it saw, and an edit unseen by it lives', async () => {
    const { a, b } = await pair({ a: 1 })
    await a.documents.delete('k', {})
    await b.edit({ merge: { b: 2 } })
    expect(await a.json()).toBeUndefined()
    await exchange(a, b)
    expect([await a.json(), await b.json()]).toEqual([
      { a: 1, b: 2 },
      { a: 1, b: 2 },
    ])
    expect(await code(b.documents.delete('none', {}))).toBe('NOT_FOUND')
    await b.documents.delete('k', {})
    await copy(b, a)
    expect([await a.json(), await b.json()]).toEqual([undefined, undefined])
  })

  it('a delete with a context takes exactly what that read showed', async () => {
    const { a, b } = await pair({ a: 1 })
    const { context } = (await a.documents.get('k'))!
    await b.edit({ merge: { b: 2 } })
    await copy(b, a)
    await a.documents.delete('k', { context })
    expect(await a.json()).toEqual({ a: 1, b: 2 })
  })

  it('a document deleted and made again on two nodes is one of both', async () => {
    const { a, b } = await pair({ a: 1 })
    for (const node of [a, b]) {
      await node.documents.delete('k', {})
      await node.edit({ put: { [node === a ? 'left' : 'right']: 1 } })
    }
    await exchange(a, b)
    expect([await a.json(), await b.json()]).toEqual([
      { left: 1, right: 1 },
      { left: 1, right: 1 },
    ])
  })

  it('a version that is issued again under another dot changes nothing that is shown', async () => {
    const { a } = await pair({ a: 1, list: [1, 2] })
    const [version] = a.replica.versions(document('k'))
    await a.replica.transact((transaction) => transaction.put(document('k'), version!.value, null, []))
    expect(await a.documents.get('k')).toMatchObject({ json: { a: 1, list: [1, 2] }, siblings: 1, conflictCount: 0 })
    await a.edit({ merge: { a: 2 } })
    expect(liveCount(a)).toBe(1)
  })
})

describe('contexts', () => {
  it('a put is the difference to what was read, also when others have edited since', async () => {
    const { a, b } = await pair({ a: 1, b: 1, list: ['x'] })
    const { context, json } = (await a.documents.get('k'))!
    await b.edit({ put: { a: 2, b: 1, list: ['new', 'x'] } })
    await copy(b, a)
    const after = await a.edit({ put: { ...json, b: 2, list: ['x', 'end'] } }, { context })
    expect(await a.json()).toEqual({ a: 2, b: 2, list: ['new', 'x', 'end'] })
    expect(liveCount(a)).toBe(1)
    await a.edit({ put: { a: 9, b: 2, list: [] } }, { context: after })
    expect(await a.json()).toEqual({ a: 9, b: 2, list: [] })
  })

  it('a put whose base is not here is kept beside what is here; a patch is refused', async () => {
    const { a, b } = await pair({ a: 1 })
    const context = await b.edit({ put: { a: 2, b: 2 } })
    expect(await code(a.edit({ merge: { c: 1 } }, { context }))).toBe('BASE_UNKNOWN')
    await a.edit({ put: { a: 2, b: 3 } }, { context })
    await exchange(a, b)
    expect([await a.json(), await b.json()]).toEqual([
      { a: 2, b: 3 },
      { a: 2, b: 3 },
    ])
  })

  it('a put to a document that was deleted meanwhile lives', async () => {
    const { a } = await pair({ a: 1 })
    const { context } = (await a.documents.get('k'))!
    await a.documents.delete('k', {})
    await a.edit({ put: { a: 1, b: 2 } }, { context })
    expect(await a.json()).toEqual({ a: 1, b: 2 })
  })

  it('an exact edit is refused when something has come since', async () => {
    const { a } = await pair({ a: 1 })
    const { context } = (await a.documents.get('k'))!
    await a.edit({ merge: { b: 1 } }, { context, isExact: true })
    expect(await code(a.edit({ merge: { c: 1 } }, { context, isExact: true }))).toBe('STALE_CONTEXT')
    expect(await a.json()).toEqual({ a: 1, b: 1 })
  })

  it('that are altered, cut, or of another key are refused', async () => {
    const { a } = await pair({ a: 1 })
    const { context } = (await a.documents.get('k'))!
    const [body, changes] = context.split('.') as [string, string]
    const other = Buffer.from(changes, 'base64url')
    other[0]! ^= 1
    for (const bad of [
      body,
      `${body}.`,
      `${body}.${other.toString('base64url')}`,
      `${context}.x`,
      `${body}.AAAA`,
      '.',
    ]) {
      expect(await code(a.edit({ put: {} }, { context: bad }))).toBe('BAD_CONTEXT')
    }
    expect(await code(a.documents.edit('other', { put: {} }, { context, bytesMax }))).toBe('BAD_CONTEXT')
    expect(await a.json()).toEqual({ a: 1 })
  })
})

describe('writes', () => {
  it('are done once for each retry key, with the same answer', async () => {
    const { a } = await pair({ list: [] })
    const operations = parseJsonPatch([{ op: 'add', path: '/list/-', value: 1 }])
    const retry = { key: 'r', requestHash: Buffer.alloc(32, 1) }
    const first = await a.documents.edit('k', { operations }, { bytesMax, retry })
    expect(await a.documents.edit('k', { operations }, { bytesMax, retry })).toEqual(first)
    expect(await a.json()).toEqual({ list: [1] })
    await a.edit({ put: { list: [2] } }, { context: first.context })
    expect(await a.json()).toEqual({ list: [2] })
    const other = { key: 'r', requestHash: Buffer.alloc(32, 2) }
    expect(await code(a.documents.edit('k', { operations }, { bytesMax, retry: other }))).toBe('RETRY_KEY_REUSED')
  })

  it('that are refused store nothing', async () => {
    const { a } = await pair({ a: 1 })
    const before = a.replica.sync.capture().seen
    const big = { put: { text: Array.from({ length: 4000 }, (_, at) => `${at * 7919}`).join('') } }
    expect(await code(a.edit(big, { bytesMax: 1000 }))).toBe('TOO_LARGE')
    const failing = parseJsonPatch([
      { op: 'add', path: '/b', value: 1 },
      { op: 'test', path: '/a', value: 2 },
    ])
    expect(await code(a.edit({ operations: failing }))).toBe('PATCH_FAILED')
    const guard = () => {
      throw Object.assign(new Error('no'), { code: 'NO_QUORUM' })
    }
    expect(await code(a.edit({ put: {} }, { guard }))).toBe('NO_QUORUM')
    expect(await a.json()).toEqual({ a: 1 })
    expect(a.replica.sync.capture().seen.equals(before)).toBe(true)
  })

  it('a merge patch makes a document, a JSON patch needs one', async () => {
    const a = await open('a')
    expect(await code(a.edit({ operations: [] }))).toBe('NOT_FOUND')
    await a.edit({ merge: { a: { b: null, c: 1 } } })
    expect(await a.json()).toEqual({ a: { c: 1 } })
  })
})

describe('versions that cannot be read', () => {
  it('are reported and kept, whatever is written, until a delete of all', async () => {
    const { a } = await pair({ a: 1 })
    const bad = await a.replica.transact((transaction) => transaction.put(document('k'), Buffer.from('bad'), null, []))
    expect(await a.documents.get('k')).toMatchObject({ json: { a: 1 }, unreadable: 1 })
    await a.edit({ merge: { a: 2 } })
    await a.documents.delete('k', {})
    expect(a.replica.versions(document('k')).map(({ dot }) => dotText(dot))).toEqual([dotText(bad)])
    expect(await code(a.documents.get('k'))).toBe('DOCUMENT_UNREADABLE')
    expect(await code(a.documents.delete('k', {}))).toBe('DOCUMENT_UNREADABLE')
    expect(await code(a.edit({ operations: [] }))).toBe('DOCUMENT_UNREADABLE')
    await a.edit({ put: { fresh: 1 } })
    expect(await a.documents.get('k')).toMatchObject({ json: { fresh: 1 }, unreadable: 1 })
    await a.documents.delete('k', { all: true })
    expect(await a.documents.get('k')).toBeUndefined()
  })
})
