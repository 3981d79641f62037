/**
 * Layout of JSON in a saved document: an edit inside of an object or list outlives a deletion of the whole that had not
 * seen it.
 *
 * Every JSON object and list is a map of the library, a *container*. It is there as long as its mark is: a deletion
 * removes the mark alone, an edit inside sets the marks of all containers around it again, and a mark set concurrently
 * survives the removal (add-wins). Under one key the kinds of values have entries of their own, so that none is
 * destroyed by another that had not seen it:
 *
 *     object  { "!": mark, "=key": text, number, boolean or null, "{key": container of an object, "[key": container of a list }
 *     list    { "!": mark, "[]": list of texts, numbers, booleans, nulls and containers }
 *     root    an object whose mark is the number of this layout
 */
import { canonical, isList, isObject, type Json, type Scalar } from './json.js'
import type { DocumentLibrary, Found } from './library.js'

/** The number of this layout. */
export const layoutVersion = 1
/** The key of a container's mark. */
export const markKey = '!'
/** The key of a list's elements in its container. */
export const elementsKey = '[]'

/** First characters of the keys of an object's entries, one for each kind of value. */
export const prefixes = { scalar: '=', map: '{', list: '[' } as const

/** The entry of a value under a key. */
export function documentEntryKey(key: string, value: Json): string {
  return `${isList(value) ? prefixes.list : isObject(value) ? prefixes.map : prefixes.scalar}${key}`
}

/** The value as the library takes it. */
export function hydrate(value: Json, library: DocumentLibrary): unknown {
  if (isList(value)) {
    return { [markKey]: true, [elementsKey]: value.map((element) => hydrate(element, library)) }
  }
  if (isObject(value)) {
    const entries: Record<string, unknown> = { [markKey]: true }
    for (const [key, entry] of Object.entries(value)) entries[documentEntryKey(key, entry)] = hydrate(entry, library)
    return entries
  }
  return scalarIn(value, library)
}

function scalarIn(value: Scalar, library: DocumentLibrary): unknown {
  if (typeof value === 'string') return library.text(value)
  if (typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value))
    return value === 0 ? 0 : value
  return doubleBytes(value)
}

/** The kind and value with which a scalar is put. */
export function scalarPut(value: Scalar): readonly [value: unknown, kind: string] {
  if (value === null) return [null, 'null']
  if (typeof value === 'string') return [value, 'str']
  if (typeof value === 'boolean') return [value, 'boolean']
  if (Number.isSafeInteger(value)) return [value === 0 ? 0 : value, 'int']
  return Number.isInteger(value) ? [doubleBytes(value), 'bytes'] : [value, 'f64']
}

/** Integers beyond 2^53 - 1 are doubles in JSON; the library would take them for 64-bit integers. */
function doubleBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, value)
  return bytes
}

/**
 * The scalar that the library found; undefined for an object. What this layout never writes is shown as the nearest
 * JSON.
 */
export function scalarOut([kind, value]: Found): Scalar | undefined {
  if (kind === 'str' || kind === 'boolean' || kind === 'null') return value as Scalar
  if (kind === 'bytes') return bytesOut(value as Uint8Array)
  if (kind === 'timestamp') return finite(Number(value))
  if (kind === 'int' || kind === 'uint' || kind === 'f64' || kind === 'counter') return finite(Number(value))
  return undefined
}

function bytesOut(bytes: Uint8Array): Scalar {
  if (bytes.length !== 8) return Buffer.from(bytes).toString('base64')
  return finite(new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0))
}

function finite(value: number): number | null {
  if (!Number.isFinite(value)) return null
  return value === 0 ? 0 : value
}

/** True if two values are equal as JSON. */
export function sameJson(a: Json, b: Json): boolean {
  return a === b || canonical(a) === canonical(b)
}
