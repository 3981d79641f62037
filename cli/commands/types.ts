/** The types of keys on the command line: what they are called, and which commands look at them and delete them. */
import { HearsayApiError } from '../failure.js'
import { count, printable, shellWord } from '../output.js'

/** The name of a type in the API. */
export type TypeName = 'reg' | 'ctr' | 'set' | 'map' | 'doc'

/** All of them, in the order in which they are told. */
export const typeNames: readonly TypeName[] = ['reg', 'ctr', 'set', 'map', 'doc']

interface TypeWords {
  readonly one: string
  readonly look: string
  readonly remove: string
}

const words: Readonly<Record<TypeName, TypeWords>> = {
  reg: { one: 'value', look: 'get', remove: 'del' },
  ctr: { one: 'counter', look: 'counter get', remove: 'counter del' },
  set: { one: 'set', look: 'set ls', remove: 'set del' },
  map: { one: 'map', look: 'map ls', remove: 'map del' },
  doc: { one: 'document', look: 'doc get', remove: 'doc del' },
}

/** True if this version of the command line knows the type. */
export function isTypeName(type: string): type is TypeName {
  return Object.hasOwn(words, type)
}

/** `2 values, 1 set`: how many there are of each type; empty for none. */
export function countTypes(amounts: Readonly<Partial<Record<TypeName, number>>>): string {
  return typeNames.flatMap((type) => (amounts[type] ? [count(amounts[type], words[type].one)] : [])).join(', ')
}

/** Text on a type of a later version. */
function unknownWords(type: string): string {
  return `data that this version does not know (${printable(type)})`
}

/** `tags is a set: hearsay set ls tags`: what a key is, and the commands that look at it or delete it. */
export function describeTypes(key: string, types: readonly string[], does: 'look' | 'remove'): string {
  const kinds = types.map((type) => (isTypeName(type) ? `a ${words[type].one}` : unknownWords(type))).join(' and ')
  const calls = types.filter(isTypeName).map((type) => `\`hearsay ${words[type][does]} ${shellWord(key)}\``)
  return `${printable(key)} is ${kinds}${calls.length > 0 ? `: ${calls.join(', ')}` : ''}`
}

/** Does something with the value of a key; when the key has none, the error says what it is instead. */
export async function withValueOf<T>(key: string, does: 'look' | 'remove', work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const types = error instanceof HearsayApiError && error.code === 'NOT_FOUND' ? error.details.types : undefined
    if (!Array.isArray(types) || !types.some(isTypeName)) throw error
    const { code, status, details } = error as HearsayApiError
    throw new HearsayApiError(code, status, describeTypes(key, types, does), details, { cause: error })
  }
}
