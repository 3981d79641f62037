/** Documents for tests: random JSON, edits of sets of versions, and plain-JSON patches as the RFCs say. */
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { type DocumentEdit, OpenDocument } from '../../store/documents/document.js'
import { canonical, isList, isObject, type Json, type JsonObject, setEntry } from '../../store/documents/json.js'
import type { DocumentLibrary } from '../../store/documents/library.js'

/** Opens versions, hands them to the callback, and closes them. */
export function opened<T>(
  library: DocumentLibrary,
  versions: readonly Uint8Array[],
  use: (open: OpenDocument) => T,
): T {
  const open = OpenDocument.open(library, versions, randomBytes(16))
  try {
    return use(open)
  } finally {
    open.close()
  }
}

/** The one version that an edit makes of these. */
export function edited(library: DocumentLibrary, versions: readonly Uint8Array[], edit: DocumentEdit): Uint8Array {
  return opened(library, versions, (open) => open.edit(edit))
}

/** Returns the document that versions show. */
export function shownDocument(library: DocumentLibrary, ...versions: readonly Uint8Array[]): JsonObject {
  return opened(library, versions, (open) => open.view().json)
}

/** Everything that versions show, conflicts included, as one text. */
export function everything(library: DocumentLibrary, versions: readonly Uint8Array[]): string {
  const { json: shownJson, conflicts } = opened(library, versions, (open) => open.view())
  return canonical([shownJson, conflicts as unknown as Json])
}

const scalars = fc.oneof(
  fc.string({ maxLength: 4 }),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 60, 1e300, 1.5, 0.1, 5e-324),
  fc.boolean(),
  fc.constant(null),
)

/** Few keys, so that edits meet; among them the names that trip up objects and layouts. */
export const keys = fc.constantFrom('a', 'b', 'c', 'd', '', '!', '[]', '__proto__', 'constructor', '=a', '/~x', 'é')

/** Any JSON value. */
export const anyJson: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small', withCrossShrink: true },
    scalars,
    fc.array(tie('value'), { maxLength: 4 }),
    objectOf(tie('value')),
  ),
})).value

function objectOf(value: fc.Arbitrary<Json>): fc.Arbitrary<JsonObject> {
  return fc.array(fc.tuple(keys, value), { maxLength: 4 }).map((entries) => {
    const object: Record<string, Json> = {}
    for (const [key, entry] of entries) setEntry(object, key, entry)
    return object
  })
}

/** Any document. */
export const anyDocument: fc.Arbitrary<JsonObject> = objectOf(anyJson)

/** A JSON value near to another: parts changed, added, removed. */
export function near(value: Json): fc.Arbitrary<Json> {
  const other = { weight: 1, arbitrary: anyJson }
  if (isList(value)) {
    const kept = fc.tuple(...value.map((one) => fc.option(near(one), { freq: 5 })), fc.array(anyJson, { maxLength: 2 }))
    return fc.oneof(other, {
      weight: 5,
      arbitrary: kept.map((parts) => parts.flat().filter((one, at) => one !== null || value[at] === null) as Json[]),
    })
  }
  if (!isObject(value)) return fc.oneof(other, { weight: 5, arbitrary: fc.constant(value) })
  return fc.oneof(other, { weight: 5, arbitrary: nearDocument(value) })
}

/** A document near to another. */
export function nearDocument(value: JsonObject): fc.Arbitrary<JsonObject> {
  const entries = Object.entries(value).map(([key, one]) =>
    fc.tuple(fc.constant(key), fc.option(near(one), { freq: 5, nil: undefined })),
  )
  return fc.tuple(fc.tuple(...entries), fc.array(fc.tuple(keys, anyJson), { maxLength: 1 })).map(([kept, added]) => {
    const object: Record<string, Json> = {}
    for (const [key, one] of [...kept, ...added]) if (one !== undefined) setEntry(object, key, one)
    return object
  })
}

/** RFC 7396, section 2, as it stands there. */
export function referenceMerge(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  const result: Record<string, Json> = {}
  if (target !== undefined && isObject(target))
    for (const [key, one] of Object.entries(target)) setEntry(result, key, one)
  for (const [key, one] of Object.entries(patch)) {
    if (one === null) delete result[key]
    else setEntry(result, key, referenceMerge(Object.hasOwn(result, key) ? result[key] : undefined, one))
  }
  return result
}

interface PlainOperation {
  readonly op: string
  readonly path: string
  readonly from?: string
  readonly value?: Json
}

/** RFC 6902 on plain JSON; undefined when the patch does not fit, or the root is no object any more. */
export function referencePatch(document: Json, patch: readonly PlainOperation[]): Json | undefined {
  let root = structuredClone(document) as Json
  try {
    for (const operation of patch) {
      root = referenceStep(root, operation)
      if (!isObject(root)) return undefined
    }
    return root
  } catch {
    return undefined
  }
}

type Box = Record<string, Json> | Json[]

function referenceStep(root: Json, { op, path, from, value }: PlainOperation): Json {
  if (op === 'add' || op === 'replace')
    return op === 'add' ? put(root, path, value!) : put(take(root, path, true), path, value!)
  if (op === 'remove') return take(root, path)
  if (op === 'copy') return put(root, path, structuredClone(at(root, from!)) as Json)
  if (op === 'test') {
    if (canonical(at(root, path)) !== canonical(value!)) throw new Error('test')
    return root
  }
  if (path === from) {
    at(root, path)
    return root
  }
  if (path.startsWith(`${from}/`)) throw new Error('into itself')
  const moved = at(root, from!)
  return put(take(root, from!), path, moved)
}

function tokens(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replace(/~1/g, '/').replace(/~0/g, '~'))
}

function at(root: Json, pointer: string): Json {
  let value = root
  for (const token of tokens(pointer)) {
    if (isList(value) && !/^(0|[1-9]\d*)$/.test(token)) throw new Error('index')
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, token)) throw new Error('absent')
    value = (value as Record<string, Json>)[token]!
  }
  return value
}

function boxOf(root: Json, pointer: string): { box: Box; token: string } {
  const box = at(root, pointer.slice(0, pointer.lastIndexOf('/')))
  if (typeof box !== 'object' || box === null) throw new Error('no parent')
  return { box: box as Box, token: tokens(pointer).at(-1)! }
}

function put(root: Json, pointer: string, given: Json): Json {
  // A copy: later operations must not change the patch itself.
  const value = structuredClone(given) as Json
  if (pointer === '') return value
  const { box, token } = boxOf(root, pointer)
  if (!Array.isArray(box)) setEntry(box, token, value)
  else {
    const index = token === '-' ? box.length : /^(0|[1-9]\d*)$/.test(token) ? Number(token) : Number.NaN
    if (!(index <= box.length)) throw new Error('index')
    box.splice(index, 0, value)
  }
  return root
}

function take(root: Json, pointer: string, replacing = false): Json {
  at(root, pointer)
  if (pointer === '') {
    if (!replacing) throw new Error('root')
    return root
  }
  const { box, token } = boxOf(root, pointer)
  if (Array.isArray(box)) box.splice(Number(token), 1)
  else delete box[token]
  return root
}
