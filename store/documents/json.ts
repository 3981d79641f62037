/** JSON values: what a document may hold, checked, compared and written down in one way. */
import { HearsayError } from '../errors.js'
import { roundedNumber } from '../model/json-text.js'
import { documentDepthMax, documentValuesMax } from './limits.js'

/** A value without parts. */
export type Scalar = string | number | boolean | null

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json
}

/** Any JSON value. */
export type Json = Scalar | readonly Json[] | JsonObject

/** True if the value is an object, and neither a list nor null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** True if the value is a list. */
export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

/** Sets an own entry, whatever the name of the key (an assignment to `__proto__` would set none). */
export function setEntry(object: Record<string, Json>, key: string, value: Json): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}

/** The own entry under a key; undefined when there is none. */
export function entryOf(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** The JSON text with sorted keys: equal texts for equal values alone (-0 is 0). */
export function canonical(value: Json): string {
  if (isList(value)) return `[${value.map(canonical).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value === 0 ? 0 : value)
  const entries = Object.keys(value).sort()
  return `{${entries.map((key) => `${JSON.stringify(key)}:${canonical(value[key]!)}`).join(',')}}`
}

/** Values in a value, itself included. */
export function countValues(value: Json): number {
  if (isList(value)) return value.reduce<number>((sum, one) => sum + countValues(one), 1)
  return isObject(value) ? Object.values(value).reduce<number>((sum, one) => sum + countValues(one), 1) : 1
}

/** Throws BAD_DOCUMENT when the value is not JSON, too deep, too many, or holds text that is not well-formed. */
export function checkJson(value: unknown): asserts value is Json {
  let count = 0
  const check = (one: unknown, depth: number): void => {
    if (++count > documentValuesMax)
      throw bad(`it holds more than ${documentValuesMax} values; split it over several keys`)
    if (typeof one === 'string') checkText(one)
    if (typeof one === 'number' && !Number.isFinite(one)) throw bad('it holds a number beyond what a double can hold')
    if (one === undefined || typeof one === 'bigint') throw bad('it holds a value that JSON cannot express')
    if (typeof one !== 'object' || one === null) return
    if (depth > documentDepthMax) throw bad(`it is more than ${documentDepthMax} levels deep`)
    if (Array.isArray(one)) for (const element of one) check(element, depth + 1)
    else
      for (const [key, element] of Object.entries(one)) {
        checkText(key)
        check(element, depth + 1)
      }
  }
  check(value, 1)
}

/** The value as a document. Throws BAD_DOCUMENT unless it is a JSON object within the limits. */
export function checkedDocument(value: unknown): JsonObject {
  if (!isObject(value)) throw bad('the root of a document is a JSON object; wrap other values in one')
  checkJson(value)
  return value
}

/**
 * Throws BAD_DOCUMENT, naming the place, when a number in the JSON text of a document or patch would be stored rounded.
 * The text must be one that was read as JSON already. `member`: the document is this member of it.
 */
export function checkNumbers(text: string, member?: string): void {
  const rounded = roundedNumber(text, member)
  if (rounded === undefined) return
  const { path } = rounded
  const message = `the document is refused: the number ${shortened(rounded.spelt)} at ${path || 'its root'} would be rounded (whole numbers are exact up to 2^53); write it as a text; nothing was stored`
  throw new HearsayError('BAD_DOCUMENT', message, { path })
}

const speltCharactersMax = 40

function shortened(spelt: string): string {
  return spelt.length <= speltCharactersMax ? spelt : `${spelt.slice(0, speltCharactersMax)}…`
}

function checkText(text: string): void {
  if (/\p{Surrogate}/u.test(text)) throw bad('it holds text that is not well-formed Unicode (half of a surrogate pair)')
}

function bad(reason: string): HearsayError {
  return new HearsayError('BAD_DOCUMENT', `the document is refused: ${reason}; nothing was stored`)
}
