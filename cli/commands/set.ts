/** `hearsay set`: members of sets. */

import { batchOperationsMax } from '../../protocols/api/limits.js'
import type { Operation, SetMember } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { HearsayApiError } from '../failure.js'
import { count, printable } from '../output.js'
import { reportDeleted } from './del.js'
import { durableOn } from './put.js'

/** Adds members, as one write where they fit into one. */
export const add: Action = async (invocation) => {
  const [key = '', ...members] = invocation.positionals
  const options = { ...invocation.nodes(), ...invocation.once() }
  const dots: string[] = []
  let acks: { have: number; nodes: readonly string[] } | undefined
  for (let at = 0; at < members.length; at += batchOperationsMax) {
    const chunk = members.slice(at, at + batchOperationsMax)
    const ops = chunk.map((member): Operation => ({ op: 'set.add', key, member }))
    const name = options.idempotencyKey
    const part = name === undefined || at === 0 ? options : { ...options, idempotencyKey: `${name}/${at}` }
    const batched = await invocation.client().batch(ops, part)
    dots.push(...batched.ops.map(({ dot }) => dot))
    acks = batched.acks
  }
  if (invocation.json) return invocation.output.json({ key, added: members.length, dots, acks })
  await invocation.output.line(
    `added ${count(members.length, 'member')} to ${printable(key)}${acks ? durableOn(acks) : ''}`,
  )
}

/** Removes members; those that are absent are told of: exit code 3 when none was there. */
export const remove: Action = async (invocation) => {
  const [key = '', ...members] = invocation.positionals
  const absent: string[] = []
  for (const member of members) {
    if (!(await removed(invocation, key, member))) absent.push(member)
  }
  const gone = members.length - absent.length
  if (invocation.json) await invocation.output.json({ key, removed: gone, absent })
  else await invocation.output.line(`removed ${count(gone, 'member')} from ${printable(key)}`)
  if (absent.length === 0) return 0
  await invocation.output.note(`not in ${printable(key)}: ${absent.map(printable).join(', ')}`)
  return gone === 0 ? 3 : 0
}

async function removed(invocation: Invocation, key: string, member: string): Promise<boolean> {
  try {
    await invocation.client().sets.remove(key, member, invocation.nodes())
    return true
  } catch (error) {
    if (error instanceof HearsayApiError && error.code === 'NOT_FOUND') return false
    throw error
  }
}

/** Prints the members, one a line. */
export const list: Action = async (invocation) => {
  const set = await invocation.client().sets.members(invocation.argument(0))
  if (invocation.json) return invocation.output.json(set)
  for (const member of set.members) await invocation.output.line(textOf(invocation, member))
}

/** Removes all members. */
export const clear: Action = async (invocation) => {
  const key = invocation.argument(0)
  await invocation.client().sets.clear(key, invocation.nodes())
  await reportDeleted(invocation, key)
}

/** Bytes that are no text are shown as base64. */
function textOf(invocation: Invocation, member: SetMember): string {
  const text = typeof member === 'string' ? member : `base64:${member.value}`
  return invocation.io.stdoutTerminal ? printable(text) : text
}
