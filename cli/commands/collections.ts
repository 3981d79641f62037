/** The commands of counters, sets, maps and documents, for the table. */
import type { ArgumentSpec, CommandSpec, OptionSpec } from '../command.js'
import { commonOptions, contextOption, idOption, keyArgument, nodesOptions, readOptions } from './quick.js'

const field: ArgumentSpec = { name: 'FIELD', required: true }
const all: OptionSpec = { name: 'all', help: 'also what is in conflict, with every sibling' }
const writes = [...nodesOptions, idOption, ...commonOptions]

const counters: readonly CommandSpec[] = [
  {
    name: 'counter incr',
    summary: 'add to a counter, by 1 unless given; negative numbers subtract',
    arguments: [keyArgument, { name: 'BY', required: false, signed: true }],
    options: writes,
    examples: ['hearsay counter incr visits', 'hearsay counter incr stock -3'],
    load: async () => (await import('./counter.js')).increment,
  },
  {
    name: 'counter get',
    summary: 'print the value of a counter',
    arguments: [keyArgument],
    options: [...readOptions, ...commonOptions],
    load: async () => (await import('./counter.js')).get,
  },
  {
    name: 'counter del',
    summary: 'delete a counter; increments not seen here survive',
    arguments: [keyArgument],
    options: writes,
    load: async () => (await import('./counter.js')).remove,
  },
]

const member: ArgumentSpec = { name: 'MEMBER', required: true, variadic: true }

const sets: readonly CommandSpec[] = [
  {
    name: 'set add',
    summary: 'add members to a set',
    arguments: [keyArgument, member],
    options: writes,
    examples: ['hearsay set add tags urgent later'],
    load: async () => (await import('./set.js')).add,
  },
  {
    name: 'set rm',
    summary: 'remove members from a set; an addition not seen here survives',
    arguments: [keyArgument, member],
    options: [...nodesOptions, ...commonOptions],
    load: async () => (await import('./set.js')).remove,
  },
  {
    name: 'set ls',
    summary: 'list the members of a set',
    arguments: [keyArgument],
    options: commonOptions,
    load: async () => (await import('./set.js')).list,
  },
  {
    name: 'set del',
    summary: 'remove all members seen here',
    arguments: [keyArgument],
    options: [...nodesOptions, ...commonOptions],
    load: async () => (await import('./set.js')).clear,
  },
]

const maps: readonly CommandSpec[] = [
  {
    name: 'map put',
    summary: 'store a field of a map',
    arguments: [keyArgument, field, { name: 'VALUE', required: false }],
    options: [
      { name: 'file', value: 'FILE', help: 'read the value from a file' },
      contextOption,
      { name: 'ttl', value: '30s', help: 'let it expire after this duration' },
      { name: 'if-absent', help: 'refuse when the field exists' },
      ...writes,
    ],
    examples: ['hearsay map put user/7 name Ada'],
    load: async () => (await import('./map.js')).put,
  },
  {
    name: 'map get',
    summary: 'print a field byte for byte, or all fields',
    arguments: [keyArgument, { ...field, required: false }],
    options: [{ name: 'all', help: 'print every sibling of the field' }, ...readOptions, ...commonOptions],
    load: async () => (await import('./map.js')).get,
  },
  {
    name: 'map rm',
    summary: 'remove fields of a map; a put not seen here survives',
    arguments: [keyArgument, { ...field, variadic: true }],
    options: [contextOption, all, ...nodesOptions, ...commonOptions],
    load: async () => (await import('./map.js')).remove,
  },
  {
    name: 'map ls',
    summary: 'list the fields of a map with their values',
    arguments: [keyArgument],
    options: commonOptions,
    load: async () => (await import('./map.js')).list,
  },
  {
    name: 'map del',
    summary: 'remove all fields seen here',
    arguments: [keyArgument],
    options: [all, ...nodesOptions, ...commonOptions],
    load: async () => (await import('./map.js')).clear,
  },
]

const file: OptionSpec = { name: 'file', value: 'FILE', help: 'read the JSON from a file' }
const base: OptionSpec = { ...contextOption, help: 'write the difference to what an earlier read showed' }

const documents: readonly CommandSpec[] = [
  {
    name: 'doc get',
    summary: 'print a document, all versions merged',
    arguments: [keyArgument],
    options: [
      { name: 'conflicts', help: 'list the places inside that hold concurrent values; with --json also the context' },
      ...readOptions,
      ...commonOptions,
    ],
    load: async () => (await import('./doc.js')).get,
  },
  {
    name: 'doc put',
    summary: 'make a document show this JSON; only what differs is written',
    arguments: [keyArgument, { name: 'JSON', required: false }],
    options: [file, base, { name: 'if-absent', help: 'refuse when the document exists' }, ...writes],
    examples: [`hearsay doc put plan '{"title":"trip","days":[]}'`],
    load: async () => (await import('./doc.js')).put,
  },
  {
    name: 'doc patch',
    summary: 'change parts of a document: an object merges (RFC 7396), a list is a JSON patch (RFC 6902)',
    arguments: [keyArgument, { name: 'PATCH', required: false }],
    options: [{ name: 'json-patch', help: 'accept only a JSON patch (RFC 6902)' }, file, base, ...writes],
    examples: [
      `hearsay doc patch plan '{"title":"long trip"}'`,
      `hearsay doc patch plan '[{"op":"add","path":"/days/-","value":"museum"}]'`,
    ],
    load: async () => (await import('./doc.js')).patch,
  },
  {
    name: 'doc edit',
    summary: 'edit a document in $EDITOR; concurrent changes of others are kept',
    arguments: [keyArgument],
    options: [...nodesOptions, ...commonOptions],
    load: async () => (await import('./doc.js')).edit,
  },
  {
    name: 'doc del',
    summary: 'delete a document; edits not seen here survive',
    arguments: [keyArgument],
    options: [
      { ...contextOption, help: 'delete exactly what an earlier read showed' },
      { name: 'all', help: 'also versions that cannot be read' },
      ...writes,
    ],
    load: async () => (await import('./doc.js')).remove,
  },
]

/** All of them. */
export const collectionCommands: readonly CommandSpec[] = [...counters, ...sets, ...maps, ...documents]
