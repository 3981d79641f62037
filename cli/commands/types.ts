/** The types of keys on the command line: which commands are theirs, and how each is deleted. */
import { type DataTypeTag, dataTypes, dataTypeTags } from '../../protocols/api/data-types.js'
import type { Client, DeleteOptions } from '../client.js'
import { HearsayApiError } from '../failure.js'
import { count, printable, shellWord } from '../output.js'

/** Facts about a type for the command line, apart from its descriptor. */
interface TypeCommands {
  /** First word of its commands, with their summary in the help; null if they are of one word. */
  readonly group: readonly [word: string, summary: string] | null
  /** The command that prints one. */
  readonly look: string
  /** The command that deletes one. */
  readonly remove: string
  /** Deletes one as `del --prefix` does. */
  readonly delete: (client: Client, key: string, options: DeleteOptions) => Promise<void>
}

/** The commands for each type. */
export const typeCommands: Readonly<Record<DataTypeTag, TypeCommands>> = {
  reg: {
    group: null,
    look: 'get',
    remove: 'del',
    delete: (client, key, options) => client.delete(key, options),
  },
  ctr: {
    group: ['counter', 'counters: every increment counts, also concurrent ones'],
    look: 'counter get',
    remove: 'counter del',
    delete: (client, key, { all: _, ...nodes }) => client.counters.delete(key, nodes),
  },
  set: {
    group: ['set', 'sets: an addition survives a removal that had not seen it'],
    look: 'set ls',
    remove: 'set del',
    delete: (client, key, { all: _, ...nodes }) => client.sets.clear(key, nodes),
  },
  map: {
    group: ['map', 'maps: every field keeps its own siblings'],
    look: 'map ls',
    remove: 'map del',
    delete: (client, key, options) => client.maps.clear(key, options),
  },
  doc: {
    group: ['doc', 'documents: JSON whose parts merge'],
    look: 'doc get',
    remove: 'doc del',
    delete: (client, key, options) => client.documents.delete(key, options),
  },
}

/** True if this version of the command line knows the type: a newer daemon may have others. */
export function isTypeName(type: string): type is DataTypeTag {
  return Object.hasOwn(dataTypes, type)
}

/** `2 values, 1 set`: how many there are of each type; empty for none. */
export function countTypes(amounts: Readonly<Partial<Record<DataTypeTag, number>>>): string {
  return dataTypeTags.flatMap((type) => (amounts[type] ? [count(amounts[type], dataTypes[type].noun)] : [])).join(', ')
}

/** Text on a type of a later version. */
function unknownWords(type: string): string {
  return `data that this version does not know (${printable(type)})`
}

/** `tags is a set: hearsay set ls tags`: what a key is, and the commands that look at it or delete it. */
export function describeTypes(key: string, types: readonly string[], does: 'look' | 'remove'): string {
  const kinds = types.map((type) => (isTypeName(type) ? `a ${dataTypes[type].noun}` : unknownWords(type))).join(' and ')
  const calls = types.filter(isTypeName).map((type) => `\`hearsay ${typeCommands[type][does]} ${shellWord(key)}\``)
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
