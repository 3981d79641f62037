/** `hearsay del`: deletes the value of a key, or every key with a prefix, whatever its types. */
import { type DataTypeTag, dataTypeTags } from '../../protocols/api/data-types.js'
import type { Client, DeleteOptions } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { HearsayApiError, UsageError } from '../failure.js'
import { deletesAtOnce } from '../limits.js'
import { count, printable } from '../output.js'
import { confirm } from '../question.js'
import { WaitNotice } from '../wait-notice.js'
import { countTypes, describeTypes, isTypeName, typeCommands, withValueOf } from './types.js'

/** Deletes. */
export const del: Action = async (invocation) => {
  const key = invocation.positionals[0]
  const prefix = invocation.text('prefix')
  const options = deleteOptionsOf(invocation)
  if (key !== undefined && prefix !== undefined) throw new UsageError('give either KEY or --prefix, not both')
  if (prefix !== undefined) return deletePrefix(invocation, prefix, options)
  if (key === undefined) throw new UsageError('give the KEY to delete, or --prefix PREFIX')
  if (invocation.flag('everything')) throw new UsageError("--everything goes with --prefix ''")
  await withValueOf(key, 'remove', () => invocation.client().delete(key, options))
  await reportDeleted(invocation, key)
  await warnOfRest(invocation, key)
}

/** Says on stderr what the key still is: its value is gone, other types under it are not. */
async function warnOfRest({ client, output }: Invocation, key: string): Promise<void> {
  // The delete is done, whether or not this can be told.
  const page = await client()
    .listPage({ prefix: key, limit: 1 })
    .catch(() => undefined)
  const first = page?.items[0]
  const types = first?.key === key ? first.types : []
  if (types.length > 0) await output.warn(`something is left: ${describeTypes(key, types, 'remove')}`)
}

/** Says that a key is deleted, as whatever type. */
export async function reportDeleted({ json, output }: Invocation, key: string): Promise<void> {
  if (json) await output.json({ key, deleted: true })
  else await output.line(`deleted ${printable(key)}`)
}

/** Options of a delete from the flags; only those given. Throws UsageError. */
export function deleteOptionsOf(invocation: Invocation): DeleteOptions {
  const context = invocation.text('context')
  return {
    ...invocation.nodes(),
    ...(context !== undefined && { context }),
    ...(invocation.flag('all') && { all: true }),
  }
}

/** Target of a delete. */
interface Doomed {
  readonly key: string
  readonly types: readonly DataTypeTag[]
  /** Types that this version does not know, and cannot delete. */
  readonly unknown: readonly string[]
}

/** Outcome of a delete. */
interface Outcome {
  /** Keys of which anything was deleted. */
  keys: number
  readonly types: Partial<Record<DataTypeTag, number>>
  readonly inConflict: Set<string>
  readonly unreadable: Set<string>
  readonly unknown: Set<string>
}

/**
 * Deletes all keys with a prefix. Keys in conflict stay unless `all`, and so do documents that cannot be read; they are
 * reported at the end: exit code 4, or 1.
 */
async function deletePrefix(invocation: Invocation, prefix: string, options: DeleteOptions): Promise<number> {
  if (options.context !== undefined) throw new UsageError('--context belongs to one key; it does not go with --prefix')
  if (prefix === '' && !invocation.flag('everything')) {
    throw new UsageError(
      'an empty --prefix is every key of the mesh (is a variable unset?): add --everything if that is meant',
    )
  }
  let found: AsyncIterable<Doomed> | Doomed[] = doomed(invocation.client(), prefix)
  if (invocation.io.stdinTerminal && !invocation.flag('yes')) {
    const listed: Doomed[] = []
    showProgress(invocation, () => `looking: ${count(listed.length, 'key')}`)
    for await (const item of found) listed.push(item)
    invocation.output.notice?.stop()
    const isAny = listed.some(({ types }) => types.length > 0)
    if (isAny && !(await confirm(invocation.io, questionOf(prefix, listed)))) {
      await invocation.output.note('nothing was deleted')
      return 1
    }
    found = listed
  }
  const outcome: Outcome = { keys: 0, types: {}, inConflict: new Set(), unreadable: new Set(), unknown: new Set() }
  showProgress(invocation, () => `deleting: ${count(outcome.keys, 'key')}`)
  await deleteEach(invocation.client(), found, options, outcome)
  return reportPrefix(invocation, prefix, outcome)
}

function showProgress({ io, output }: Invocation, text: () => string): void {
  output.notice?.stop()
  output.notice = new WaitNotice(io, text)
}

async function* doomed(client: Client, prefix: string): AsyncGenerator<Doomed> {
  for await (const { key, types } of client.list({ prefix })) {
    yield { key, types: types.filter(isTypeName), unknown: types.filter((type) => !isTypeName(type)) }
  }
}

function questionOf(prefix: string, listed: readonly Doomed[]): string {
  const amounts: Partial<Record<DataTypeTag, number>> = {}
  for (const type of listed.flatMap(({ types }) => types)) amounts[type] = (amounts[type] ?? 0) + 1
  const where = prefix === '' ? 'EVERYTHING in this mesh' : `all that begins with ${printable(prefix)}`
  return `delete ${where}: ${countTypes(amounts)}?`
}

async function reportPrefix({ json, output }: Invocation, prefix: string, outcome: Outcome): Promise<number> {
  const { keys, types, inConflict, unreadable, unknown } = outcome
  const amounts = countTypes(types)
  if (json) {
    const all = Object.fromEntries(dataTypeTags.map((type) => [type, types[type] ?? 0]))
    const stayed = { conflicts: [...inConflict], unreadable: [...unreadable], unknown: [...unknown] }
    await output.json({ prefix, deleted: keys, types: all, ...stayed })
  } else await output.line(`deleted ${count(keys, 'key')}${amounts === '' ? '' : `: ${amounts}`}`)
  if (inConflict.size > 0) {
    const message = `${count(inConflict.size, 'key')} in conflict stayed: ${someOf(inConflict)}`
    await output.error('CONFLICT', message, 'settle with `hearsay resolve KEY`, or delete with --all')
  }
  if (unreadable.size > 0) {
    const message = `${count(unreadable.size, 'document')} stayed that cannot be read here: ${someOf(unreadable)}`
    await output.error('DOCUMENT_UNREADABLE', message, 'delete with --all, or on a node that can read them')
  }
  if (unknown.size > 0) {
    const message = `${count(unknown.size, 'key')} stayed with data that this version does not know: ${someOf(unknown)}`
    await output.warn(`${message}; delete with a version that knows it`)
  }
  return inConflict.size > 0 ? 4 : unreadable.size + unknown.size > 0 ? 1 : 0
}

function someOf(keys: ReadonlySet<string>): string {
  const [first, second, third, ...more] = [...keys].map(printable)
  return [first, second, third].filter((key) => key !== undefined).join(', ') + (more.length > 0 ? ' and more' : '')
}

/** Several deletes are under way at once, so that the daemon commits them together. */
async function deleteEach(
  client: Client,
  found: AsyncIterable<Doomed> | readonly Doomed[],
  options: DeleteOptions,
  outcome: Outcome,
): Promise<void> {
  let batch: Doomed[] = []
  const flush = async () => {
    await Promise.all(batch.map((item) => deleteKey(client, item, options, outcome)))
    batch = []
  }
  for await (const item of found) {
    batch.push(item)
    if (batch.length >= deletesAtOnce) await flush()
  }
  await flush()
}

async function deleteKey(client: Client, item: Doomed, options: DeleteOptions, to: Outcome): Promise<void> {
  const { key, types, unknown } = item
  if (unknown.length > 0) to.unknown.add(key)
  let isAny = false
  for (const type of types) {
    const ended = await deleteType(client, key, type, options)
    if (ended === 'CONFLICT') to.inConflict.add(key)
    if (ended === 'DOCUMENT_UNREADABLE') to.unreadable.add(key)
    if (ended !== 'deleted') continue
    to.types[type] = (to.types[type] ?? 0) + 1
    isAny = true
  }
  if (isAny) to.keys++
}

/** Resolves with the code of what is expected to go wrong with single keys; what is gone already is none. */
async function deleteType(client: Client, key: string, type: DataTypeTag, options: DeleteOptions): Promise<string> {
  try {
    await typeCommands[type].delete(client, key, options)
    return 'deleted'
  } catch (error) {
    const code = error instanceof HearsayApiError ? error.code : ''
    if (['NOT_FOUND', 'CONFLICT', 'DOCUMENT_UNREADABLE'].includes(code)) return code
    throw error
  }
}
