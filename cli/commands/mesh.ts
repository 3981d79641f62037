/** `hearsay where`, `invite`, `join`, `forget`, `block` and `unblock`: the members of the mesh. */
import type { Action } from '../command.js'
import { printable } from '../output.js'
import { withValueOf } from './types.js'

/** Shows which members durably hold the shown version of a key. */
export const where: Action = async (invocation) => {
  const key = invocation.argument(0)
  const found = await withValueOf(key, 'look', () => invocation.client().where(key))
  if (invocation.json) return invocation.output.json(found)
  const { bold, green, gray, yellow } = invocation.output.colors
  await invocation.output.line(`${bold(printable(found.key))}  ${gray(found.dot)}`)
  for (const node of found.nodes) await invocation.output.line(`  ${green('has it')}   ${printable(node)}`)
  for (const node of found.missing) await invocation.output.line(`  ${yellow('missing')}  ${printable(node)}`)
  for (const node of found.unknown) await invocation.output.line(`  ${gray('unknown')}  ${printable(node)}`)
}

/** Prints an invitation alone on its line, fit for `join "$(hearsay invite)"`. */
export const invite: Action = async (invocation) => {
  const answer = await invocation.client().invite()
  if (invocation.json) return invocation.output.json(answer)
  await invocation.output.line(answer.token)
}

/** Joins a mesh. */
export const join: Action = async (invocation) => {
  const answer = await invocation.client().join(invocation.argument(0))
  if (invocation.json) return invocation.output.json(answer)
  await invocation.output.line('joined: `hearsay wait --converged` returns when this node has everything')
}

/** Retires a member. */
export const forget: Action = async (invocation) => {
  const name = invocation.argument(0)
  await invocation.client().forget(name)
  if (invocation.json) return invocation.output.json({ forgotten: name })
  await invocation.output.line(`forgot ${printable(name)}`)
}

/** Cuts this node off from peers. */
export const block: Action = async (invocation) => {
  const answer = await invocation.client().block(invocation.positionals)
  if (invocation.json) return invocation.output.json(answer)
  await invocation.output.line(`cut off from ${invocation.positionals.map(printable).join(', ')}`)
}

/** Lifts blocks. */
export const unblock: Action = async (invocation) => {
  const peers = invocation.positionals
  const answer = await invocation.client().unblock(peers.length > 0 ? peers : undefined)
  if (invocation.json) return invocation.output.json(answer)
  await invocation.output.line(
    peers.length > 0 ? `no longer cut off from ${peers.map(printable).join(', ')}` : 'no longer cut off from anyone',
  )
}
