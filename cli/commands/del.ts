/** `hearsay del`: deletes a key, or every key with a prefix. */
import type { Client, DeleteOptions } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { HearsayApiError, UsageError } from '../failure.js'
import { count, printable } from '../output.js'

/** Deletes. */
export const del: Action = async (invocation) => {
  const key = invocation.positionals[0]
  const prefix = invocation.text('prefix')
  const options = optionsOf(invocation)
  if (key !== undefined && prefix !== undefined) throw new UsageError('give either KEY or --prefix, not both')
  if (prefix !== undefined) return deletePrefix(invocation, prefix, options)
  if (key === undefined) throw new UsageError('give the KEY to delete, or --prefix PREFIX')
  await invocation.client().delete(key, options)
  if (invocation.json) await invocation.output.json({ key, deleted: true })
  else await invocation.output.line(`deleted ${printable(key)}`)
}

function optionsOf(invocation: Invocation): DeleteOptions {
  const context = invocation.text('context')
  return {
    ...invocation.nodes(),
    ...(context !== undefined && { context }),
    ...(invocation.flag('all') && { all: true }),
  }
}

/** Deletes one key after another; keys in conflict stay unless `all`, and are reported at the end: exit code 4. */
async function deletePrefix(invocation: Invocation, prefix: string, options: DeleteOptions): Promise<number> {
  if (options.context !== undefined) throw new UsageError('--context belongs to one key; it does not go with --prefix')
  const client = invocation.client()
  let deleted = 0
  const inConflict: string[] = []
  for await (const { key, types } of client.list({ prefix })) {
    if (!types.includes('reg')) continue
    const outcome = await deleteOne(client, key, options)
    if (outcome === 'deleted') deleted++
    if (outcome === 'conflict') inConflict.push(key)
  }
  if (invocation.json) await invocation.output.json({ prefix, deleted, conflicts: inConflict })
  else await invocation.output.line(`deleted ${count(deleted, 'key')}`)
  if (inConflict.length === 0) return 0
  const names = inConflict.slice(0, 3).map(printable).join(', ')
  const more = inConflict.length > 3 ? ' and more' : ''
  const message = `${count(inConflict.length, 'key')} in conflict stayed: ${names}${more}`
  await invocation.output.error('CONFLICT', message, 'settle with `hearsay resolve KEY`, or delete with --all')
  return 4
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
