/** `hearsay conflicts` and `hearsay resolve`: siblings, and what becomes of them. */
import type { Client, Conflict, Resolution } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { formatBytes } from '../duration.js'
import { HearsayApiError, UsageError } from '../failure.js'
import { count, type Output, printable, shortValue } from '../output.js'
import { reportPut } from './put.js'

/** Lists addresses in conflict. */
export const conflicts: Action = async (invocation) => {
  let found = 0
  const all = invocation.client().conflicts(invocation.positionals[0] ?? '')
  for await (const conflict of invocation.output.whileRead(all)) {
    found++
    if (invocation.json) await invocation.output.json(conflict)
    else await printConflict(invocation.output, conflict)
  }
  if (found === 0 && !invocation.json) await invocation.output.note('no conflicts')
}

/** Settles a conflict with the context of what is there now, so that a sibling that comes meanwhile is never lost. */
export const resolve: Action = async (invocation) => {
  const key = invocation.argument(0)
  const resolution = resolutionOf(invocation)
  const client = invocation.client()
  const field = invocation.text('field')
  if (invocation.flag('undo')) return undo(invocation, key, field)
  const isMerge = resolution !== undefined && 'merge' in resolution
  // What a resolver merges is no conflict; whatever is there when the result is stored is merged.
  const conflict = isMerge ? undefined : await find(client, key, field)
  if (resolution === undefined) {
    await printConflict(invocation.output, conflict!)
    throw new UsageError('say how: --pick N keeps one version, --value V replaces all, --merge lets the resolver merge')
  }
  if (conflict !== undefined) checkPick(resolution, conflict)
  const context = invocation.text('context') ?? conflict?.context
  const written = await client.resolve(key, resolution, { context, field })
  await reportPut(invocation.output, { ...written, key }, { json: invocation.json, what: 'resolved' })
}

async function undo(invocation: Invocation, key: string, field: string | undefined): Promise<void> {
  const { output, json } = invocation
  if (resolutionOf(invocation) !== undefined || invocation.text('context') !== undefined) {
    throw new UsageError('--undo takes back the last resolution: give it alone, or with --field')
  }
  const undone = await invocation.client().undo(key, { field })
  if (json) return output.json(undone)
  await output.line(`undone: ${printable(key)} has ${count(undone.dots.length, 'sibling')} again`)
}

/** At most one of --pick, --value and --merge; undefined when none is given. */
function resolutionOf(invocation: Invocation): Resolution | undefined {
  const pick = invocation.count('pick', 1)
  const value = invocation.text('value')
  const choices: Resolution[] = []
  if (pick !== undefined) choices.push({ pick })
  if (value !== undefined) choices.push({ value })
  if (invocation.flag('merge')) choices.push({ merge: true })
  if (choices.length > 1) throw new UsageError('give only one of --pick, --value and --merge')
  return choices[0]
}

function checkPick(resolution: Resolution, conflict: Conflict): void {
  if (!('pick' in resolution) || resolution.pick <= conflict.versions.length) return
  throw new UsageError(`there is no version ${resolution.pick}: --pick takes 1 to ${conflict.versions.length}`)
}

/** The conflict of a key, or of a field of it: keys are in order, so that its own are the first with it as prefix. */
async function find(client: Client, key: string, field: string | undefined): Promise<Conflict> {
  const fields: string[] = []
  for await (const conflict of client.conflicts(key)) {
    if (conflict.key !== key) break
    if (conflict.type === 'reg' ? field === undefined : conflict.field === field) return conflict
    if (conflict.type !== 'reg' && conflict.field) fields.push(printable(conflict.field))
  }
  if (fields.length > 0 && field === undefined) {
    throw new UsageError(`fields of ${printable(key)} are in conflict: give --field with one of ${fields.join(', ')}`)
  }
  throw new HearsayApiError('NOT_FOUND', 404, `${printable(key)} is not in conflict: see \`hearsay conflicts\``)
}

async function printConflict(output: Output, conflict: Conflict): Promise<void> {
  const { bold, gray } = output.colors
  const field = conflict.field ? ` ${printable(conflict.field)}` : ''
  await output.line(`${bold(printable(conflict.key))}${field}  ${gray(count(conflict.versions.length, 'sibling'))}`)
  for (const [index, version] of conflict.versions.entries()) {
    const size = version.size ?? Buffer.byteLength(version.value, version.encoding === 'base64' ? 'base64' : 'utf8')
    const origin = `${version.time}  ${printable(version.node)}  ${formatBytes(size)}`
    await output.line(`  [${index + 1}] ${shortValue(version.value, version.encoding)}  ${gray(origin)}`)
  }
}
