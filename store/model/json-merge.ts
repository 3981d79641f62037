/**
 * The resolver `json-merge`: one JSON text from several, from their values alone (no common ancestor is known).
 * Objects are united key by key, arrays element by element; of what cannot be united the first in display order stays.
 * docs/decisions/0010-json-merge-unites.md says why.
 */
import { equalityText, type JsonValue, jsonText, readJson } from './json-text.js'
import { jsonMergeBytesMax } from './limits.js'

/**
 * Merges JSON texts, given in display order, the shown winner first. Undefined when one of them is no JSON text (see
 * readJson), or when together they are over `jsonMergeBytesMax`. The winner's own bytes when the others add nothing.
 */
export function mergeJson(texts: readonly Uint8Array[]): Uint8Array | undefined {
  if (texts.reduce((sum, text) => sum + text.length, 0) > jsonMergeBytesMax) return undefined
  const values: JsonValue[] = []
  for (const text of texts) {
    const value = readJson(text)
    if (value === undefined) return undefined
    values.push(value)
  }
  const united = unite(values)
  return united === values[0] ? texts[0]! : Buffer.from(jsonText(united))
}

/**
 * The first value decides of what kind the result is; the others of that kind are united with it. The first itself when
 * they add nothing.
 */
function unite(values: readonly JsonValue[]): JsonValue {
  const first = values[0]!
  if (values.length === 1) return first
  if (isObject(first)) return uniteObjects(values.filter(isObject))
  if (Array.isArray(first)) return uniteArrays(values.filter((value) => Array.isArray(value)))
  return first
}

function isObject(value: JsonValue): value is ReadonlyMap<string, JsonValue> {
  return value instanceof Map
}

/** Every key of every object, in the order of the first that has it. */
function uniteObjects(objects: readonly ReadonlyMap<string, JsonValue>[]): JsonValue {
  const lists = new Map<string, JsonValue[]>()
  for (const object of objects) {
    for (const [key, value] of object) {
      const list = lists.get(key)
      if (list === undefined) lists.set(key, [value])
      else list.push(value)
    }
  }
  const united = new Map([...lists].map(([key, list]) => [key, unite(list)]))
  const first = objects[0]!
  const isFirst = united.size === first.size && [...first].every(([key, value]) => united.get(key) === value)
  return isFirst ? first : united
}

/**
 * The first array as it is, then what the others have more of, in their order: an element stands as often as where it
 * stands most often.
 */
function uniteArrays(arrays: readonly (readonly JsonValue[])[]): JsonValue {
  const united: JsonValue[] = []
  const held = new Map<string, number>()
  for (const array of arrays) {
    const met = new Map<string, number>()
    for (const item of array) {
      const text = equalityText(item)
      const times = (met.get(text) ?? 0) + 1
      met.set(text, times)
      if (times <= (held.get(text) ?? 0)) continue
      held.set(text, times)
      united.push(item)
    }
  }
  return united.length === arrays[0]!.length ? arrays[0]! : united
}
