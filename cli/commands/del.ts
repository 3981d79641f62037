/** `hearsay del`: deletes a key, or every key with a prefix. */
import type { Client, DeleteOptions } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { HearsayApiError, UsageError } from '../failure.js'
import { deletesAtOnce } from '../limits.js'
import { count, printable } from '../output.js'

/** Deletes. */
export const del: Action = async (invocation) => {
  const key = invocation.positionals[0]
  const prefix = invocation.text('prefix')
  const options = deleteOptionsOf(invocation)
  if (key !== undefined && prefix !== undefined) throw new UsageError('give either KEY or --prefix, not both')
  if (prefix !== undefined) return deletePrefix(invocation, prefix, options)
  if (key === undefined) throw new UsageError('give the KEY to delete, or --prefix PREFIX')
  await invocation.client().delete(key, options)
  await reportDeleted(invocation, key)
}

/** Says that a key is deleted, as whatever type. */
export async function reportDeleted({ json, output }: Invocation, key: string): Promise<void> {
  if (json) await output.json({ key, deleted: true })
  else await output.line(`deleted ${printable(key)}`)
}

/** What the flags say of a delete; only what was given. Throws UsageError. */
export function deleteOptionsOf(invocation: Invocation): DeleteOptions {
  const context = invocation.text('context')
  return {
    ...invocation.nodes(),
    ...(context !== undefined && { context }),
    ...(invocation.flag('all') && { all: true }),
  }
}

/** Deletes all keys with a prefix; keys in conflict stay unless `all`, and are reported at the end: exit code 4. */
async function deletePrefix(invocation: Invocation, prefix: string, options: DeleteOptions): Promise<number> {
  if (options.context !== undefined) throw new UsageError('--context belongs to one key; it does not go with --prefix')
  const { deleted, inConflict } = await deleteEach(invocation.client(), prefix, options)
  if (invocation.json) await invocation.output.json({ prefix, deleted, conflicts: inConflict })
  else await invocation.output.line(`deleted ${count(deleted, 'key')}`)
  if (inConflict.length === 0) return 0
  const names = inConflict.slice(0, 3).map(printable).join(', ')
  const more = inConflict.length > 3 ? ' and more' : ''
  const message = `${count(inConflict.length, 'key')} in conflict stayed: ${names}${more}`
  await invocation.output.error('CONFLICT', message, 'settle with `hearsay resolve KEY`, or delete with --all')
  return 4
}

/** Several deletes are under way at once, so that the daemon commits them together. */
async function deleteEach(
  client: Client,
  prefix: string,
  options: DeleteOptions,
): Promise<{ deleted: number; inConflict: string[] }> {
  const inConflict: string[] = []
  let deleted = 0
  let batch: string[] = []
  const flush = async () => {
    const outcomes = await Promise.all(batch.map((key) => deleteOne(client, key, options)))
    deleted += outcomes.filter((outcome) => outcome === 'deleted').length
    inConflict.push(...batch.filter((_, index) => outcomes[index] === 'conflict'))
    batch = []
  }
  for await (const { key, types } of client.list({ prefix })) {
    if (types.includes('reg')) batch.push(key)
    if (batch.length >= deletesAtOnce) await flush()
  }
  await flush()
  return { deleted, inConflict }
}

async function deleteOne(
  client: Client,
  key: string,
  options: DeleteOptions,
): Promise<'deleted' | 'conflict' | 'gone'> {
  try {
    await client.delete(key, options)
    return 'deleted'
  } catch (error) {
    if (error instanceof HearsayApiError && error.code === 'NOT_FOUND') return 'gone'
    if (error instanceof HearsayApiError && error.code === 'CONFLICT') return 'conflict'
    throw error
  }
}
