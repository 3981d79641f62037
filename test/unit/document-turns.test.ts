/** Edits are made outside of the write: what comes meanwhile, edits at once, and what is remembered of reads. */
import { describe, expect, it } from 'vitest'
import { Access } from '../../store/data/access.js'
import { DocumentViews, viewBytesKept, viewsKept } from '../../store/data/document-views.js'
import { Documents } from '../../store/data/documents.js'
import { Turns } from '../../store/data/turns.js'
import { type DocumentEngine, type EditRequest, LocalDocuments } from '../../store/documents/engine.js'
import { parseJsonPatch } from '../../store/documents/json-patch.js'
import { editAttemptsMax } from '../../store/documents/limits.js'
import { document } from '../../store/model/address.js'
import { valueHash } from '../../store/model/digest.js'
import { tokenKey } from '../../store/model/token.js'
import type { Version } from '../../store/model/update.js'
import { openNode } from '../support/replicas.js'

const bytesMax = 1 << 20

/** Counts its work, and lets something happen while it edits. */
class Spied extends LocalDocuments {
  shows = 0
  edits = 0
  meanwhile: ((edit: number) => Promise<unknown>) | undefined

  override show(...args: Parameters<DocumentEngine['show']>) {
    this.shows++
    return super.show(...args)
  }

  override async edit(request: EditRequest) {
    const result = await super.edit(request)
    await this.meanwhile?.(++this.edits)
    return result
  }
}

async function openDocuments() {
  const { replica } = await openNode('documents')
  const engine = new Spied()
  const documents = new Documents(new Access(replica, () => tokenKey(Buffer.alloc(32, 1))), engine)
  /** A version from elsewhere, which has seen nothing of this one. */
  const arrive = async (json: Record<string, number>) => {
    const other = await new LocalDocuments().edit({
      versions: [],
      edit: { put: json },
      heads: undefined,
      actor: replica.environment.randomBytes(16),
    })
    const bytes = 'bytes' in other ? other.bytes : new Uint8Array(0)
    await replica.transact((transaction) => transaction.put(document('k'), bytes, null, []))
  }
  const json = async () => (await documents.get('k'))?.json
  const siblings = () => replica.versions(document('k')).length
  return { documents, engine, arrive, json, siblings }
}

const code = (promise: Promise<unknown>) => promise.then(() => 'none').catch((error: { code: string }) => error.code)

describe('an edit that is overtaken', () => {
  it('is made again, to what is here then', async () => {
    const { documents, engine, arrive, json, siblings } = await openDocuments()
    engine.meanwhile = (edit) => (edit === 1 ? arrive({ theirs: 1 }) : Promise.resolve())
    await documents.edit('k', { merge: { mine: 2 } }, { bytesMax })
    expect([engine.edits, siblings(), await json()]).toEqual([2, 1, { mine: 2, theirs: 1 }])
  })

  it('again and again is stored beside what came, and nothing is lost', async () => {
    const { documents, engine, arrive, json, siblings } = await openDocuments()
    engine.meanwhile = (edit) => arrive({ [`theirs${edit}`]: edit })
    await documents.edit('k', { merge: { mine: 0 } }, { bytesMax })
    const all = Array.from({ length: editAttemptsMax }, (_, at) => [`theirs${at + 1}`, at + 1])
    expect([engine.edits, siblings()]).toEqual([editAttemptsMax, 2])
    expect(await json()).toEqual({ mine: 0, ...Object.fromEntries(all) })
  })

  it('is refused when it was to be the first', async () => {
    const { documents, engine, arrive, json } = await openDocuments()
    engine.meanwhile = () => arrive({ theirs: 1 })
    expect(await code(documents.edit('k', { put: { mine: 2 } }, { bytesMax, ifAbsent: true }))).toBe('EXISTS')
    expect(await json()).toEqual({ theirs: 1 })
  })
})

describe('edits of one document at once', () => {
  it('come one after the other, and leave one version of all', async () => {
    const { documents, json, siblings } = await openDocuments()
    const names = ['a', 'b', 'c', 'd']
    await Promise.all(names.map((name) => documents.edit('k', { merge: { [name]: 1 } }, { bytesMax })))
    expect([siblings(), await json()]).toEqual([1, { a: 1, b: 1, c: 1, d: 1 }])
  })

  it('of which each tests what the other sets: one of them succeeds', async () => {
    const { documents, json } = await openDocuments()
    await documents.edit('k', { put: { owner: null } }, { bytesMax })
    const take = (owner: string) => {
      const operations = parseJsonPatch([
        { op: 'test', path: '/owner', value: null },
        { op: 'replace', path: '/owner', value: owner },
      ])
      return code(documents.edit('k', { operations }, { bytesMax }))
    }
    expect(await Promise.all([take('left'), take('right')])).toEqual(['none', 'PATCH_FAILED'])
    expect(await json()).toEqual({ owner: 'left' })
  })

  it('repeated under one retry key are made once, though they would not fit a second time', async () => {
    const { documents, engine } = await openDocuments()
    await documents.edit('k', { put: { a: 1 } }, { bytesMax })
    const retry = { key: 'once', requestHash: Buffer.alloc(32, 3) }
    const operations = parseJsonPatch([{ op: 'remove', path: '/a' }])
    const remove = () => documents.edit('k', { operations }, { bytesMax, retry })
    const [first, second] = await Promise.all([remove(), remove()])
    expect(second).toEqual(first)
    engine.meanwhile = () => Promise.reject(new Error('made again'))
    expect(await remove()).toEqual(first)
  })
})

describe('reads of a document', () => {
  it('compute what is shown once for each state', async () => {
    const { documents, engine } = await openDocuments()
    await documents.edit('k', { put: { a: 1 } }, { bytesMax })
    await Promise.all([documents.get('k'), documents.get('k')])
    await documents.get('k')
    expect(engine.shows).toBe(1)
    await documents.edit('k', { put: { a: 2 } }, { bytesMax })
    expect((await documents.get('k'))?.json).toEqual({ a: 2 })
    expect(engine.shows).toBe(2)
  })

  it('remember so many, and so many bytes, those asked for last', async () => {
    let shows = 0
    const view = { json: {} as Record<string, number[]>, conflicts: [], heads: [], merged: [0], leftOut: [] }
    const show = async () => {
      shows++
      return view
    }
    const views = new DocumentViews({ show } as never)
    const of = (counter: number): Version[] => {
      const value = Buffer.from(`${counter}`)
      const dot = { actor: '00'.repeat(8), counter }
      return [{ dot, value, valueHash: valueHash(value), time: { ms: 0, logical: 0 }, expiresAtMs: null }]
    }
    for (let counter = 1; counter <= viewsKept; counter++) await views.of(of(counter))
    await views.of(of(1))
    expect(shows).toBe(viewsKept)
    await views.of(of(viewsKept + 1))
    await views.of(of(1))
    expect(shows).toBe(viewsKept + 1)
    await views.of(of(2))
    expect(shows).toBe(viewsKept + 2)
    view.json = { large: new Array<number>(viewBytesKept / 64).fill(0) }
    await views.of(of(viewsKept + 2))
    await views.of(of(1))
    expect(shows).toBe(viewsKept + 4)
  })
})

describe('turns', () => {
  it('of one key come one after the other, whatever becomes of them, and of two keys at once', async () => {
    const turns = new Turns()
    const order: string[] = []
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const first = turns.run('a', async () => {
      order.push('first')
      await held
      throw new Error('failed')
    })
    const second = turns.run('a', async () => void order.push('second'))
    await turns.run('b', async () => void order.push('other'))
    expect(order).toEqual(['first', 'other'])
    release()
    await expect(first).rejects.toThrow('failed')
    await second
    expect(order).toEqual(['first', 'other', 'second'])
  })
})
