/**
 * Types of data by number and by name. A type of a later version has no name here, but it has a number: what it holds
 * is carried like any other data, without being understood.
 */
import { knownTypes } from './types-known.js'

/** A type that this version knows. */
export type KnownType = (typeof knownTypes)[number]

/** A type of a later version, by its number. */
export type UnknownType = `type-${number}`

/** A type of data. */
export type Type = KnownType | UnknownType

/** Numbers of types: one byte. */
const typesMax = 256
/** The number of the first type that some version does not know. */
const firstLaterType = 6
/** Types from this number on hold the mesh's own records, as `sys` does, also those that are not known here. */
const meshTypesFrom = 128

const names: readonly Type[] = Array.from(
  { length: typesMax },
  (_, number) => knownTypes[number] ?? numberedName(number),
)
const numbers: ReadonlyMap<string, number> = new Map(names.map((name, number) => [name, number]))
const meshTypes: ReadonlySet<string> = new Set(['sys', ...names.slice(meshTypesFrom)])

/** Name of a type made of its number, as in `type-6`. */
function numberedName(number: number): UnknownType {
  return `type-${number}`
}

/** The type of a number, one byte. */
export function typeOf(number: number): Type {
  const type = names[number]
  if (type === undefined) throw new RangeError(`a type is one byte, not ${number}`)
  return type
}

/** The number of a type. Throws a RangeError for what is no type. */
export function typeNumber(type: Type): number {
  const number = numbers.get(type)
  if (number === undefined) throw new RangeError(`'${type}' is no type`)
  return number
}

/** True if this version knows what a type holds. */
export function isKnownType(type: Type): type is KnownType {
  return (knownTypes as readonly string[]).includes(type)
}

/** True if a type holds the mesh's own records, and nothing of the users. */
export function isMeshType(type: Type): boolean {
  return meshTypes.has(type)
}

/** True if an export holds the versions of a type as they are stored: it may be read where they are not understood. */
export function isExportedAsStored(type: Type): boolean {
  return typeNumber(type) >= firstLaterType
}

/** Name of a type in exports: made of its number unless every version knows it, so that every version can import it. */
export function exportedType(type: Type): Type {
  return isExportedAsStored(type) ? numberedName(typeNumber(type)) : type
}

/**
 * The type that a listing or an export names by its number, as in `type-6`; undefined for any other text. It may be
 * known here by now: the number was written by a version that did not know it. The types of the first version are never
 * named so.
 */
export function numberedType(text: string): Type | undefined {
  const number = /^type-[1-9]\d{0,2}$/.test(text) ? Number(text.slice('type-'.length)) : -1
  return number >= firstLaterType && number < typesMax ? typeOf(number) : undefined
}
