/**
 * Documents: any edits on any replicas, merged in any order, show the same; nothing that a writer had not in view is
 * lost.
 */
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { DocumentEdit } from '../../store/documents/document.js'
import { canonical, entryOf, isList, isObject, type Json, type JsonObject } from '../../store/documents/json.js'
import { parseJsonPatch } from '../../store/documents/json-patch.js'
import { type DocumentLibrary, loadDocumentLibrary } from '../../store/documents/library.js'
import { differenceOf } from '../../store/documents/list-difference.js'
import { pointerText } from '../../store/documents/pointer.js'
import { HearsayError } from '../../store/errors.js'
import {
  anyDocument,
  anyJson,
  edited,
  everything,
  keys,
  nearDocument,
  opened,
  referenceMerge,
  referencePatch,
  shownDocument,
} from '../support/documents.js'
import { amount } from '../support/effort.js'

let library: DocumentLibrary
beforeAll(async () => {
  library = await loadDocumentLibrary()
})

const same = (a: Json | undefined, b: Json) => expect(canonical(a!)).toBe(canonical(b))

describe('documents', () => {
  it('a put shows exactly the JSON that was put, whatever was there', () => {
    const pairs = anyDocument.chain((first) => fc.tuple(fc.constant(first), nearDocument(first), anyDocument))
    fc.assert(
      fc.property(pairs, ([first, second, third]) => {
        let version = edited(library, [], { put: first })
        same(shownDocument(library, version), first)
        for (const next of [second, third, first]) {
          version = edited(library, [version], { put: next })
          same(shownDocument(library, version), next)
        }
      }),
      { numRuns: amount(8, 40) },
    )
  })

  it('a put of what is shown leaves everything as it is, also in conflict', () => {
    const triples = anyDocument.chain((base) => fc.tuple(fc.constant(base), nearDocument(base), nearDocument(base)))
    fc.assert(
      fc.property(triples, ([base, left, right]) => {
        const origin = edited(library, [], { put: base })
        const both = [edited(library, [origin], { put: left }), edited(library, [origin], { put: right })]
        const again = edited(library, both, { put: shownDocument(library, ...both) })
        expect(everything(library, [again])).toBe(everything(library, both))
      }),
      { numRuns: amount(8, 40) },
    )
  })

  it('a put shows exactly its JSON over any conflict', () => {
    const draws = anyDocument.chain((base) =>
      fc.tuple(fc.constant(base), nearDocument(base), nearDocument(base), nearDocument(base)),
    )
    fc.assert(
      fc.property(draws, ([base, left, right, next]) => {
        const origin = edited(library, [], { put: base })
        const both = [edited(library, [origin], { put: left }), edited(library, [origin], { put: right })]
        same(shownDocument(library, edited(library, both, { put: next })), next)
        same(
          shownDocument(
            library,
            edited(library, [edited(library, [], { put: left }), edited(library, [], { put: right })], { put: next }),
          ),
          next,
        )
      }),
      { numRuns: amount(8, 40) },
    )
  })

  it('merging commutes, associates and is idempotent over three replicas', () => {
    const draws = anyDocument.chain((base) =>
      fc.tuple(fc.constant(base), nearDocument(base), nearDocument(base), nearDocument(base), nearDocument(base)),
    )
    fc.assert(
      fc.property(draws, fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), ([base, a, b, c, d], order) => {
        const origin = edited(library, [], { put: base })
        const first = edited(library, [origin], { put: a })
        const second = edited(library, [origin], { put: b })
        const third = edited(library, [], { put: c })
        const fourth = edited(library, [first, third], { put: d })
        const versions = [first, second, third, fourth]
        const expected = everything(library, versions)
        expect(
          everything(
            library,
            order.map((at) => versions[at]!),
          ),
        ).toBe(expected)
        expect(everything(library, [...versions, ...versions])).toBe(expected)
        // A version that is an empty edit of some of them stands for these.
        const pair = edited(library, [second, third], { merge: {} })
        expect(everything(library, [fourth, pair, first])).toBe(expected)
      }),
      { numRuns: amount(8, 40) },
    )
  })

  it('what one side writes anywhere is there after the merge, whatever the other side removed, replaced or made again', () => {
    const draws = anyDocument.chain((base) =>
      nearDocument(base).chain((mine) =>
        fc.tuple(fc.constant(base), fc.constant(mine), fc.array(nearDocument(base), { minLength: 1, maxLength: 3 })),
      ),
    )
    fc.assert(
      fc.property(draws, fc.nat(), fc.boolean(), keys, ([base, mine, others], pick, inPlace, key) => {
        const origin = edited(library, [], { put: base })
        const before = edited(library, [origin], { put: mine })
        const places = objectPaths(mine)
        const path = places[pick % places.length]!
        const added = [...path, inPlace ? key : 'new']
        const edit: DocumentEdit =
          pick % 2 === 0
            ? { put: writtenAt(mine, added, 'the written text') }
            : { operations: parseJsonPatch([{ op: 'add', path: pointerText(added), value: 'the written text' }]) }
        let other = origin
        for (const put of others) other = edited(library, [other], { put })
        const both = [edited(library, [before], edit), other]
        expect(everything(library, both)).toContain('the written text')
        expect(everything(library, both.toReversed())).toBe(everything(library, both))
      }),
      { numRuns: amount(40, 200) },
    )
  })

  it('what only one side touches is as that side left it', () => {
    fc.assert(
      fc.property(anyDocument, anyJson, anyJson, (base, left, right) => {
        const origin = edited(library, [], { put: { base, left: 0, right: 0 } })
        const both = [
          edited(library, [origin], { put: { base, left, right: 0 } }),
          edited(library, [origin], { put: { base, left: 0, right } }),
        ]
        same(shownDocument(library, ...both), { base, left, right })
        expect(opened(library, both, (open) => open.view().conflicts)).toEqual([])
      }),
      { numRuns: amount(8, 40) },
    )
  })

  it('insertions of two sides into one list are all there, each side in its order', () => {
    const draws = fc.record({
      base: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 6 }),
      left: fc.array(fc.nat(6), { maxLength: 3 }),
      right: fc.array(fc.nat(6), { maxLength: 3 }),
    })
    const withInsertions = (base: readonly Json[], places: readonly number[], mark: string) => {
      const list = [...base]
      for (const [at, place] of places.entries()) list.splice(place % (list.length + 1), 0, `${mark}${at}`)
      return list
    }
    fc.assert(
      fc.property(draws, ({ base, left, right }) => {
        const origin = edited(library, [], { put: { list: base } })
        const sides = [withInsertions(base, left, 'left'), withInsertions(base, right, 'right')]
        const both = sides.map((list) => edited(library, [origin], { put: { list } }))
        const merged = shownDocument(library, ...both).list as readonly Json[]
        const without = (mark: string) => merged.filter((one) => !String(one).startsWith(mark))
        same(without('right'), sides[0]!)
        same(without('left'), sides[1]!)
      }),
      { numRuns: amount(8, 40) },
    )
  })

  it('the difference of lists turns one into the other', () => {
    const lists = fc.tuple(fc.array(anyJson, { maxLength: 8 }), fc.array(anyJson, { maxLength: 8 }))
    fc.assert(
      fc.property(lists, fc.array(fc.nat(3)), fc.array(fc.nat(3)), ([current, wanted], few, others) => {
        for (const [from, to] of [
          [current, wanted],
          [few, others],
        ] as [Json[], Json[]][]) {
          const list = [...from]
          for (const step of differenceOf(from, to).toReversed()) {
            if (step.kind === 'insert') list.splice(step.at, 0, ...to.slice(step.from, step.to))
            else if (step.kind === 'remove') list.splice(step.at, 1)
            else list[step.at] = to[step.to]!
          }
          same(list, to)
        }
      }),
    )
  })

  it('merge patches give what RFC 7396 says', () => {
    const draws = anyDocument.chain((base) => fc.tuple(fc.constant(base), fc.oneof(anyDocument, nearDocument(base))))
    fc.assert(
      fc.property(draws, ([base, patch]) => {
        const version = edited(library, [edited(library, [], { put: base })], { merge: patch })
        same(shownDocument(library, version), referenceMerge(base, patch))
      }),
      { numRuns: amount(30, 150) },
    )
  })

  it('JSON patches give what RFC 6902 says, or change nothing', () => {
    let fitted = 0
    fc.assert(
      fc.property(
        anyDocument.chain((base) => fc.tuple(fc.constant(base), patchesOf(base))),
        ([base, patch]) => {
          const expected = referencePatch(base, patch)
          const origin = edited(library, [], { put: base })
          let result: JsonObject | undefined
          try {
            result = shownDocument(library, edited(library, [origin], { operations: parseJsonPatch(patch) }))
          } catch (error) {
            expect(error).toBeInstanceOf(HearsayError)
            expect((error as HearsayError).code).toMatch(/^(PATCH_FAILED|BAD_DOCUMENT|BAD_PATCH)$/)
          }
          const isDocument = expected !== undefined && isObject(expected)
          if (isDocument) fitted++
          if (isDocument) same(result, expected)
          else expect(result).toBeUndefined()
        },
      ),
      { numRuns: amount(40, 200) },
    )
    expect(fitted).toBeGreaterThan(amount(5, 30))
  })
})

function objectPaths(value: Json, path: (string | number)[] = []): (string | number)[][] {
  if (isList(value)) return value.flatMap((one, at) => objectPaths(one, [...path, at]))
  if (!isObject(value)) return []
  return [path, ...Object.entries(value).flatMap(([key, one]) => objectPaths(one, [...path, key]))]
}

function writtenAt(base: JsonObject, path: readonly (string | number)[], value: Json): JsonObject {
  return referencePatch(base, [{ op: 'add', path: pointerText(path), value }]) as JsonObject
}

function pointersOf(value: Json, path: (string | number)[] = []): string[] {
  const inside: [string | number, Json][] = isList(value)
    ? [...value.entries()]
    : isObject(value)
      ? Object.entries(value)
      : []
  return [pointerText(path), ...inside.flatMap(([step, one]) => pointersOf(one, [...path, step]))]
}

function patchesOf(base: JsonObject) {
  const existing = pointersOf(base)
  const pointer = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...existing) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(...existing), fc.constantFrom('/-', '/0', '/1', '/a', '/01', '/new'))
        .map((parts) => parts.join('')),
    },
  )
  const values = fc.oneof(
    anyJson,
    fc.constantFrom(...existing).map((text) => valueAt(base, text)),
  )
  return fc.array(
    fc.record({
      op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'add'),
      path: pointer,
      from: pointer,
      value: values,
    }),
    { maxLength: 4 },
  )
}

function valueAt(base: JsonObject, pointer: string): Json {
  let value: Json = base
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
    value = isList(value) ? value[Number(key)]! : entryOf(value as JsonObject, key)!
  }
  return value
}
