/**
 * `hearsay status`, `hearsay members` and `hearsay peers`: who is there, who has everything, who is behind by how much.
 */
import type { Member, Status } from '../client.js'
import { printTable } from '../columns.js'
import type { Action, Invocation } from '../command.js'
import { formatAge, formatBytes } from '../duration.js'
import { count, printable } from '../output.js'

/** Shows this node and its view of the mesh. */
export const status: Action = async (invocation) => {
  const found = await invocation.client().status()
  if (invocation.json) return invocation.output.json(found)
  await printNode(invocation, found)
  await printMembers(invocation, found.members)
  for (const warning of found.warnings) await invocation.output.warn(printable(warning))
}

/** Lists the other members. */
export const members: Action = async (invocation) => {
  const found = await invocation.client().members()
  if (!invocation.json) return printMembers(invocation, found)
  for (const member of found) await invocation.output.json(member)
}

/** Lists the members that are connected now, and how. */
export const peers: Action = async (invocation) => {
  const found = (await invocation.client().members()).filter((member) => member.connected)
  if (!invocation.json) return printPeers(invocation, found)
  for (const peer of found) await invocation.output.json(peer)
}

async function printPeers({ output }: Invocation, found: readonly Member[]): Promise<void> {
  if (found.length === 0) return output.line('no peer is connected: see `hearsay members`')
  const rows = found.map(({ name, peer, version, clockOffsetMs, addresses }) => {
    const clock = clockOffsetMs === null ? '-' : `${clockOffsetMs} ms`
    return [printable(name), peer, printable(version), clock, printable(addresses[0] ?? '-')]
  })
  await printTable(output, ['NAME', 'PEER', 'VERSION', 'CLOCK', 'ADDRESS'], rows)
}

async function printNode({ output }: Invocation, found: Status): Promise<void> {
  const { bold, gray, yellow } = output.colors
  const conflicts = count(found.conflicts, 'conflict')
  const summary = [
    `${found.entries.toLocaleString('en-US')} ${found.entries === 1 ? 'entry' : 'entries'}`,
    found.conflicts > 0 ? yellow(`${conflicts}: see \`hearsay conflicts\``) : conflicts,
    `root ${found.root.slice(0, 16) || 'not known yet'}`,
  ]
  await output.line(`${bold(printable(found.node))}  ${gray(`${found.peer}  ${found.version}`)}`)
  await output.line(summary.join(', '))
  if (found.blocked.length > 0) await output.line(yellow(`cut off from ${found.blocked.map(printable).join(', ')}`))
}

async function printMembers(invocation: Invocation, found: readonly Member[]): Promise<void> {
  if (found.length === 0) return invocation.output.line('no other members yet: `hearsay invite` makes a token to join')
  const rows = found.map((member) => row(invocation, member))
  await printTable(invocation.output, ['MEMBER', 'STATE', 'BEHIND', 'AHEAD', 'LAST EQUAL', 'LAST SEEN', 'HINTS'], rows)
}

function row({ io, output }: Invocation, member: Member): string[] {
  const ago = (time: string | null) => (time === null ? 'never' : `${formatAge(Date.parse(time), io.nowMs())} ago`)
  const { updates, bytes, since } = member.hints
  const age = since === null ? '' : ` since ${ago(since)}`
  return [
    printable(member.name),
    stateOf(output.colors, member),
    member.behind === 0 ? '-' : count(member.behind, 'update'),
    member.ahead === 0 ? '-' : count(member.ahead, 'update'),
    ago(member.lastEqual),
    member.connected ? 'now' : ago(member.lastSeen),
    updates === 0 ? '-' : `${updates.toLocaleString('en-US')} (${formatBytes(bytes)})${age}`,
  ]
}

function stateOf(colors: Invocation['output']['colors'], member: Member): string {
  if (member.blocked) return colors.yellow('blocked')
  if (!member.connected) return colors.red('away')
  return member.converged ? colors.green('equal') : colors.yellow('connected')
}
