/** The commands that scripts call in loops: they start without the rest of the command line. */
import type { ArgumentSpec, CommandSpec, OptionSpec } from '../command.js'
import { get } from './get.js'
import { put } from './put.js'

/** Flags of every command that talks to a daemon. */
export const connectionOptions: readonly OptionSpec[] = [
  { name: 'api', value: 'URL', help: "the daemon's API: unix:/path or http://host:port (HEARSAY_API)" },
  { name: 'data', value: 'DIR', help: "the daemon's data directory (HEARSAY_DATA)" },
  { name: 'token', value: 'TOKEN', help: 'the API token, for http (HEARSAY_TOKEN); default: that of --data' },
]

/** The flag of every command. */
export const jsonOption: OptionSpec = { name: 'json', help: 'print JSON: one object, or one a line for lists' }

/** The flags of every command that talks to a daemon, and of every command. */
export const commonOptions: readonly OptionSpec[] = [...connectionOptions, jsonOption]
/** The argument that names a key. */
export const keyArgument: ArgumentSpec = { name: 'KEY', required: true, completesKeys: true }
/** The flag that hands a context on. */
export const contextOption: OptionSpec = {
  name: 'context',
  value: 'TOKEN',
  help: 'replace exactly what an earlier read returned',
}
const timeout: OptionSpec = { name: 'timeout', value: '5s', help: 'how long to wait for other nodes' }

/** Flags of writes: what is asked of other nodes. */
export const nodesOptions: readonly OptionSpec[] = [
  {
    name: 'acks',
    value: 'N|majority|all',
    help: 'return only when this many nodes, this one included, have it durably',
  },
  { name: 'require-quorum', help: 'refuse unless a majority of the members answers' },
  timeout,
]

/** The flag that makes a repeated write harmless. */
export const idOption: OptionSpec = {
  name: 'id',
  value: 'OPID',
  help: 'an id for this write: a retry with the same id does nothing more',
}
/** Flags of reads: how many nodes are asked. */
export const readOptions: readonly OptionSpec[] = [
  {
    name: 'consistency',
    value: 'LEVEL',
    choices: ['one', 'majority', 'all'],
    help: 'how many nodes to ask: one, majority or all',
  },
  timeout,
]

/** `put`. */
export const putCommand: CommandSpec = {
  name: 'put',
  summary: 'store a value',
  arguments: [keyArgument, { name: 'VALUE', required: false }],
  options: [
    { name: 'file', value: 'FILE', help: 'read the value from a file' },
    contextOption,
    { name: 'ttl', value: '30s', help: 'let it expire after this duration' },
    ...nodesOptions,
    { name: 'if-absent', help: 'refuse when the key exists' },
    idOption,
    ...commonOptions,
  ],
  examples: ['hearsay put greeting hello', 'hearsay put photo --file photo.jpg', 'date | hearsay put now -'],
  load: async () => put,
}

/** `get` of one key; of several keys it is not of the quick commands. */
export const getCommand: CommandSpec = {
  name: 'get',
  summary: 'print a value, byte for byte',
  arguments: [keyArgument],
  options: [{ name: 'all', help: 'print every sibling with dot, time and node' }, ...readOptions, ...commonOptions],
  examples: ['hearsay get greeting', 'hearsay get greeting --all --json'],
  load: async () => get,
}

/** `put` and `get`. */
export const quickCommands: readonly CommandSpec[] = [putCommand, getCommand]
