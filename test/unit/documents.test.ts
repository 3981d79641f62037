/** Documents: conflicts inside, patches as in the RFCs, what is refused, and bytes that nobody should have sent. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { chunkRowsOf } from '../../store/documents/chunk.js'
import type { DocumentEdit } from '../../store/documents/document.js'
import { OpenDocument } from '../../store/documents/document.js'
import type { Json, JsonObject } from '../../store/documents/json.js'
import { parseJsonPatch } from '../../store/documents/json-patch.js'
import { type DocumentLibrary, loadDocumentLibrary } from '../../store/documents/library.js'
import {
  documentDepthMax,
  documentSiblingsMax,
  documentValuesMax,
  patchOperationsMax,
} from '../../store/documents/limits.js'
import { areVersions } from '../../store/documents/list-difference.js'
import { parsePointer, pointerText } from '../../store/documents/pointer.js'
import { edited, opened, shownDocument } from '../support/documents.js'
import { jsonPatchVectors, mergePatchVectors } from '../support/patch-vectors.js'
import { resealedChunk } from '../support/saved-document.js'

let library: DocumentLibrary
beforeAll(async () => {
  library = await loadDocumentLibrary()
})

const put = (json: JsonObject): DocumentEdit => ({ put: json })
const patch = (...operations: unknown[]): DocumentEdit => ({ operations: parseJsonPatch(operations) })
const made = (json: JsonObject, ...versions: Uint8Array[]) => edited(library, versions, put(json))
const conflicts = (...versions: Uint8Array[]) => opened(library, versions, (open) => open.view().conflicts)
const codeOf = (call: () => unknown): string => {
  try {
    call()
  } catch (error) {
    return (error as { code: string }).code
  }
  return 'none'
}

it('the library is loaded by one file alone, and only when it is called', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const sources = ['store', 'protocols', 'daemon', 'cli'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, String(name))),
  )
  const naming = sources.filter(
    (path) => path.endsWith('.ts') && /@automerge/.test(readFileSync(join(root, path), 'utf8')),
  )
  expect(naming).toEqual(['store/documents/library.ts'])
  expect(readFileSync(join(root, naming[0]!), 'utf8')).not.toMatch(/^import (?!type).*@automerge/m)
})

describe('conflicts inside of a document', () => {
  it('two sides that set one field are listed with both values, the shown one first, on every node', () => {
    const base = made({ title: 'old', list: [1, { name: 'x' }], deep: { a: { b: 0 } } })
    const left = made({ title: 'left', list: [5, { name: 'l' }], deep: { a: { b: 1 } } }, base)
    const right = made({ title: 'right', list: [6, { name: 'r' }], deep: { a: { b: [2] } } }, base)
    const found = conflicts(left, right)
    expect(found).toEqual(conflicts(right, left))
    expect(found.map(({ path }) => path)).toEqual(['/deep/a/b', '/list/0', '/title'])
    const json = shownDocument(library, left, right)
    expect(found[2]!.values).toEqual([json.title, json.title === 'left' ? 'right' : 'left'])
    expect(found[0]!.values).toContainEqual([2])
    expect(found[0]!.values).toContainEqual(1)
    expect(found.find(({ path }) => path === '/list/0')!.values.toSorted()).toEqual([5, 6])
  })

  it('equal values are no conflict', () => {
    const base = made({ a: 1 })
    expect(conflicts(made({ a: 2 }, base), made({ a: 2 }, base))).toEqual([])
  })

  it('a put leaves a conflict alone where it shows what was shown; a patch settles it, also with the value shown', () => {
    const base = made({ a: 0, b: 0 })
    const both = [made({ a: 1, b: 0 }, base), made({ a: 2, b: 0 }, base)]
    const { a } = shownDocument(library, ...both)
    expect(conflicts(made({ a: a!, b: 1 }, ...both)).map(({ path }) => path)).toEqual(['/a'])
    expect(conflicts(edited(library, both, { merge: { a: a! } }))).toEqual([])
    expect(conflicts(edited(library, both, patch({ op: 'replace', path: '/a', value: a })))).toEqual([])
  })

  it('objects that two sides made under one key are one, of lists both stay', () => {
    const base = made({})
    const both = [made({ o: { x: 1, same: 1 }, l: ['x'] }, base), made({ o: { y: 2, same: 2 }, l: ['y'] }, base)]
    expect(shownDocument(library, ...both).o).toMatchObject({ x: 1, y: 2 })
    expect(conflicts(...both).map(({ path }) => path)).toEqual(['/l', '/o/same'])
    const settled = edited(library, both, { merge: { l: ['x', 'y'], o: { same: 3 } } })
    expect(conflicts(settled)).toEqual([])
    expect(shownDocument(library, settled)).toEqual({ l: ['x', 'y'], o: { x: 1, y: 2, same: 3 } })
  })
})

describe('a removal and an edit that has not seen it', () => {
  it('the edited object lives, whole', () => {
    const base = made({
      todo: [
        { id: 1, text: 'buy', done: false },
        { id: 2, text: 'sell', done: false },
      ],
      o: { a: { b: 1, c: 2 } },
    })
    const removed = made({ todo: [{ id: 2, text: 'sell', done: false }] }, base)
    const changed = edited(
      library,
      [base],
      patch({ op: 'replace', path: '/todo/0/done', value: true }, { op: 'replace', path: '/o/a/b', value: 9 }),
    )
    expect(shownDocument(library, removed, changed)).toEqual({
      todo: [
        { id: 1, text: 'buy', done: true },
        { id: 2, text: 'sell', done: false },
      ],
      o: { a: { b: 9, c: 2 } },
    })
  })

  it('a removal seen by the edit stays, and so does one that nobody contradicts', () => {
    const base = made({ o: { a: 1 }, l: [1, 2, 3] })
    const removed = made({ l: [1, 3] }, base)
    expect(shownDocument(library, removed, base)).toEqual({ l: [1, 3] })
    expect(
      shownDocument(library, made({ l: [1, 3, 4] }, removed), made({ o: { a: 1 }, l: [1, 2, 3], z: 1 }, base)),
    ).toEqual({
      l: [1, 3, 4],
      z: 1,
    })
  })

  it('two removals, one of the whole and one of a part, remove both', () => {
    const base = made({ o: { a: 1, b: { c: 1 } } })
    expect(shownDocument(library, made({}, base), made({ o: { a: 1 } }, base))).toEqual({})
  })

  it('an object that was removed and made again has only its new entries, and those that somebody wrote meanwhile', () => {
    const base = made({ o: { old: 1, kept: { x: 1 } } })
    const remade = made({ o: { fresh: 1 } }, made({}, base))
    expect(shownDocument(library, remade)).toEqual({ o: { fresh: 1 } })
    const wrote = edited(library, [base], { merge: { o: { mine: 2 } } })
    expect(shownDocument(library, remade, wrote)).toEqual({ o: { fresh: 1, mine: 2 } })
  })

  it('a value put over an object, and an edit inside of it: both are there, as a conflict', () => {
    const base = made({ o: { a: 1 } })
    const found = conflicts(made({ o: 5 }, base), edited(library, [base], { merge: { o: { b: 2 } } }))
    expect(found.map(({ path }) => path)).toEqual(['/o'])
    expect(found[0]!.values).toHaveLength(2)
    expect(found[0]!.values).toContainEqual(5)
    expect(found[0]!.values).toContainEqual({ a: 1, b: 2 })
  })

  it('what is in conflict inside of a value that is not shown is listed too', () => {
    const base = made({ o: { x: 0 } })
    const wrote = edited(library, [base], { merge: { o: { x: 'mine' } } })
    const replaced = made({ o: 5 }, edited(library, [base], { merge: { o: { x: 'other' } } }))
    const found = conflicts(wrote, replaced)
    expect(found.map(({ path }) => path)).toEqual(['/o', '/o/x'])
    expect(found[1]!.values.toSorted()).toEqual(['mine', 'other'])
  })

  it('a value that is set again to the same by a patch outlives a removal that had not seen it', () => {
    const base = made({ a: 1, l: [1] })
    const again = edited(
      library,
      [base],
      patch({ op: 'replace', path: '/a', value: 1 }, { op: 'replace', path: '/l/0', value: 1 }),
    )
    expect(shownDocument(library, made({ l: [] }, base), again)).toEqual({ a: 1, l: [1] })
  })
})

describe('an edit of the document as it was', () => {
  it('merges with what came since', () => {
    const base = made({ a: 1, b: 1, l: ['x'] })
    const heads = opened(library, [base], (open) => open.heads())
    const since = made({ a: 2, b: 1, l: ['new', 'x'] }, base)
    const bytes = opened(library, [since], (open) => open.edit(put({ a: 1, b: 2, l: ['x', 'end'] }), heads))
    expect(shownDocument(library, bytes)).toEqual({ a: 2, b: 2, l: ['new', 'x', 'end'] })
    expect(opened(library, [base], (open) => open.knows(opened(library, [since], (other) => other.heads())))).toBe(
      false,
    )
    expect(opened(library, [since], (open) => open.knows(heads))).toBe(true)
  })
})

describe('patches', () => {
  it.each(jsonPatchVectors)('RFC 6902 $name', ({ before, patch: operations, expected }) => {
    const apply = () =>
      shownDocument(library, edited(library, [made(before as JsonObject)], { operations: parseJsonPatch(operations) }))
    if (expected === undefined) expect(codeOf(apply)).toMatch(/^(PATCH_FAILED|BAD_PATCH)$/)
    else expect(apply()).toEqual(expected)
  })

  it.each(mergePatchVectors)('RFC 7396 example $name', ({ before, patch: merge, expected }) => {
    const apply = () =>
      shownDocument(library, edited(library, [made(before as JsonObject)], { merge: merge as JsonObject }))
    if (expected === undefined) expect(codeOf(apply)).toBe('BAD_DOCUMENT')
    else expect(apply()).toEqual(expected)
  })

  it('become edits of parts: two sides insert into one list by patch, and both live', () => {
    const base = made({ l: [{ id: 1 }, { id: 2 }] })
    const left = edited(library, [base], patch({ op: 'add', path: '/l/1', value: 'left' }))
    const right = edited(
      library,
      [base],
      patch({ op: 'remove', path: '/l/0' }, { op: 'add', path: '/l/-', value: 'right' }),
    )
    expect(shownDocument(library, left, right)).toEqual({ l: ['left', { id: 2 }, 'right'] })
  })

  it.each([
    [[{ op: 'add', path: 'a', value: 1 }], 'BAD_PATCH'],
    [[{ op: 'add', path: '/a~2', value: 1 }], 'BAD_PATCH'],
    [[{ op: 'add', path: '/a' }], 'BAD_PATCH'],
    [[{ op: 'move', path: '/a' }], 'BAD_PATCH'],
    [{ op: 'add' }, 'BAD_PATCH'],
    [[5], 'BAD_PATCH'],
    [[{ op: 'remove', path: '' }], 'BAD_PATCH'],
    [[{ op: 'replace', path: '', value: [] }], 'BAD_DOCUMENT'],
    [[{ op: 'add', path: '/l/01', value: 1 }], 'PATCH_FAILED'],
    [[{ op: 'add', path: '/l/3', value: 1 }], 'PATCH_FAILED'],
    [[{ op: 'remove', path: '/l/2' }], 'PATCH_FAILED'],
    [[{ op: 'replace', path: '/l/-', value: 1 }], 'PATCH_FAILED'],
    [[{ op: 'move', from: '/o', path: '/o/p' }], 'PATCH_FAILED'],
    [[{ op: 'replace', path: '/none', value: 1 }], 'PATCH_FAILED'],
    [[{ op: 'add', path: '/s/x', value: 1 }], 'PATCH_FAILED'],
    [Array.from({ length: patchOperationsMax + 1 }, () => ({ op: 'test', path: '', value: {} })), 'BAD_PATCH'],
  ])('%j is refused', (operations, code) => {
    const base = made({ l: [1, 2], o: { p: 1 }, s: 'text' })
    expect(codeOf(() => edited(library, [base], { operations: parseJsonPatch(operations) }))).toBe(code)
  })
})

describe('what a document may be', () => {
  const deep = (levels: number): Json => (levels === 0 ? 0 : { a: deep(levels - 1) })

  it('is bounded', () => {
    expect(codeOf(() => made([] as unknown as JsonObject))).toBe('BAD_DOCUMENT')
    expect(codeOf(() => made({ a: '\ud800' }))).toBe('BAD_DOCUMENT')
    expect(codeOf(() => made({ '\udc00': 1 }))).toBe('BAD_DOCUMENT')
    expect(codeOf(() => made(deep(documentDepthMax + 1) as JsonObject))).toBe('BAD_DOCUMENT')
    expect(codeOf(() => made({ a: Array.from({ length: documentValuesMax }, () => 0) }))).toBe('BAD_DOCUMENT')
    const limit = deep(documentDepthMax) as JsonObject
    expect(shownDocument(library, made(limit))).toEqual(limit)
    const path = '/a'.repeat(documentDepthMax)
    expect(codeOf(() => edited(library, [made(limit)], patch({ op: 'replace', path, value: {} })))).toBe('BAD_DOCUMENT')
  })

  it('holds every number that JSON has', () => {
    const numbers = [
      0,
      -0,
      1,
      -1,
      2 ** 31,
      2 ** 32,
      2 ** 53 - 1,
      -(2 ** 53 - 1),
      2 ** 53,
      2 ** 63,
      2 ** 64,
      1e300,
      -1e300,
      1.5,
      5e-324,
      1.7976931348623157e308,
    ]
    const version = made({ first: numbers, one: Object.fromEntries(numbers.map((number, at) => [`n${at}`, number])) })
    const again = edited(
      library,
      [version],
      patch(...numbers.map((value, at) => ({ op: 'replace', path: `/one/n${numbers.length - 1 - at}`, value }))),
    )
    const json = JSON.parse(JSON.stringify(shownDocument(library, again)))
    expect(json.first).toEqual(numbers.map((number) => number + 0 || 0))
    expect(Object.values(json.one)).toHaveLength(numbers.length)
    expect(json.one.n0).toBe(1.7976931348623157e308)
  })

  it('which list elements are versions of one thing', () => {
    expect(areVersions({ id: 1, a: 1 }, { id: 1, a: 2, b: 3 })).toBe(true)
    expect(areVersions({ id: 1, a: 0, b: 0 }, { id: 2, a: 0, b: 0 })).toBe(false)
    expect(areVersions({ a: 1, b: 1 }, { a: 1, b: 2 })).toBe(true)
    expect(areVersions({ a: 1 }, { a: 2 })).toBe(false)
    expect(areVersions(1, 'x')).toBe(true)
    expect(areVersions(1, [])).toBe(false)
  })

  it('pointers are escaped and read back', () => {
    const tokens = ['', '~', '/', '~1', '~0', 'a/b', '0']
    expect(parsePointer(pointerText(tokens))).toEqual(tokens)
  })
})

describe('bytes that cannot be read', () => {
  const good = () => made({ a: { b: [1, 'x', null, 2.5] }, c: 'text' })
  const openedOf = (...versions: Uint8Array[]) =>
    opened(library, versions, ({ merged, leftOut, ...open }) => ({ merged, leftOut, open: Object.keys(open).length }))

  it('are left out, and the others are shown', () => {
    const version = Buffer.from(good())
    const foreign = library.create('ab'.repeat(16))
    foreign.put('_root', 'x', 1, 'int')
    foreign.commit(null, 0)
    const newer = library.create('ab'.repeat(16))
    newer.put('_root', '!', 2, 'int')
    newer.commit(null, 0)
    const bad = [
      Buffer.alloc(0),
      Buffer.from('text'),
      version.subarray(0, -1),
      Buffer.concat([version, Buffer.from([0])]),
      Buffer.from(version.map((byte, at) => (at === 40 ? byte ^ 1 : byte))),
      foreign.save(),
      newer.save(),
    ]
    const { merged, leftOut } = openedOf(...bad, version)
    expect({ merged, leftOut }).toEqual({ merged: [7], leftOut: [0, 1, 2, 3, 4, 5, 6] })
    expect(shownDocument(library, ...bad, version)).toEqual({ a: { b: [1, 'x', null, 2.5] }, c: 'text' })
  })

  it('that stand for more than a read can hold are left out before the library makes room for them', () => {
    const bomb = library.create('ab'.repeat(16))
    bomb.put('_root', '!', 1, 'int')
    const list = bomb.putObjectFromHydrate('_root', '[l', {
      '!': true,
      '[]': Array.from({ length: 200_000 }, () => null),
    })
    expect(list).toBeTruthy()
    bomb.commit(null, 0)
    const saved = Buffer.from(bomb.save())
    expect(chunkRowsOf(saved)).toBe(200_004)
    expect(saved.length).toBeLessThan(500)
    // The run of 200,000 in every column, made longer: 3 bytes of LEB128 that stand for up to 1,048,575.
    const run = Buffer.from([0xc0, 0x9a, 0x0c])
    const longer = Buffer.from(saved)
    for (let at = longer.indexOf(run); at !== -1; at = longer.indexOf(run, at + 1)) longer[at + 2] = 0x3f
    expect(longer.equals(saved)).toBe(false)
    expect(chunkRowsOf(resealedChunk(longer))).toBeUndefined()
    expect(shownDocument(library, resealedChunk(longer), good())).toEqual({ a: { b: [1, 'x', null, 2.5] }, c: 'text' })
  })

  it('harm no other document, however they are damaged under a right checksum', () => {
    const version = Buffer.from(good())
    let state = 7
    const next = (below: number) => {
      state = (state * 1103515245 + 12345) & 0x7fffffff
      return state % below
    }
    const log = console.error
    console.error = () => undefined
    let left = 0
    try {
      for (let round = 0; round < 400; round++) {
        const bad = Buffer.from(version)
        for (let times = 1 + next(3); times > 0; times--) bad[11 + next(bad.length - 11)] = next(256)
        const open = OpenDocument.open(library, [resealedChunk(bad), version], Buffer.alloc(16, 9))
        const { json, leftOut } = open.view()
        open.close()
        if (leftOut.length === 0) continue
        left++
        expect([leftOut, json]).toEqual([[0], { a: { b: [1, 'x', null, 2.5] }, c: 'text' }])
      }
    } finally {
      console.error = log
    }
    expect(left).toBeGreaterThan(300)
  })

  it('two versions of one author and one number: the first in order is kept, the other is left out', () => {
    const twice = [1, 2].map((value) => {
      const open = OpenDocument.open(library, [], Buffer.alloc(16, 5))
      const bytes = open.edit(put({ value }))
      open.close()
      return bytes
    })
    const both = opened(library, twice, (open) => open.view())
    expect(both).toMatchObject({ json: { value: 1 }, leftOut: [1] })
  })

  it('more versions than one read merges are left for the next', () => {
    const base = made({ n: 0 })
    const versions = Array.from({ length: documentSiblingsMax + 2 }, () => base)
    expect(openedOf(...versions).leftOut).toEqual([documentSiblingsMax, documentSiblingsMax + 1])
  })
})
