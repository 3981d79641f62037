/**
 * `hearsay status`, `hearsay members` and `hearsay peers`: who is there, who has everything, who is behind by how much.
 */
import type { Finding, Member, Status } from '../client.js'
import { printTable } from '../columns.js'
import type { Action, Invocation } from '../command.js'
import { formatAge, formatBytes } from '../duration.js'
import { HearsayApiError } from '../failure.js'
import { printWarnings } from '../findings.js'
import { count, printable } from '../output.js'

/** Matters that the rest of the output shows by itself. */
const shownBelow: ReadonlySet<string> = new Set(['conflicts', 'members'])

/** Shows this node and its view of the mesh; what needs somebody comes first, each with its remedy. */
export const status: Action = async (invocation) => {
  if (invocation.json) return invocation.output.json(await invocation.client().status())
  const [found, findings] = await Promise.all([invocation.client().status(), diagnosed(invocation)])
  const wrong =
    findings ?? found.warnings.map((text) => ({ level: 'warn', check: 'node', text, remedy: null }) as const)
  await printWarnings(
    invocation.output,
    wrong.filter(({ level, check }) => level !== 'ok' && !shownBelow.has(check)),
  )
  await printNode(invocation, found)
  await printMembers(invocation, found.members)
}

/** Findings of the doctor; undefined from a daemon of a version without one. */
async function diagnosed(invocation: Invocation): Promise<readonly Finding[] | undefined> {
  try {
    return await invocation.client().diagnose()
  } catch (error) {
    if (error instanceof HearsayApiError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

/** Lists the other members. */
export const members: Action = async (invocation) => {
  const found = await invocation.client().members()
  if (invocation.flag('names')) {
    for (const { name } of found) await invocation.output.line(printable(name))
    return
  }
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
  const narrowing = { drop: ['VERSION'], cut: ['ADDRESS', 'PEER', 'NAME'] }
  await printTable(output, ['NAME', 'PEER', 'VERSION', 'CLOCK', 'ADDRESS'], rows, narrowing)
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
  if (found.verification !== null) await output.line(yellow(verificationText(found.verification)))
  if (found.blocked.length > 0) await output.line(yellow(`cut off from ${found.blocked.map(printable).join(', ')}`))
}

/** Text on how far the verification of the store is. */
export function verificationText({ rows, ofAbout }: NonNullable<Status['verification']>): string {
  const share = ofAbout === 0 ? 0 : Math.floor((100 * rows) / ofAbout)
  return `verifying its store: ${rows.toLocaleString('en-US')} of about ${count(ofAbout, 'row')} (${share} %)`
}

async function printMembers(invocation: Invocation, found: readonly Member[]): Promise<void> {
  if (found.length === 0) return invocation.output.line('no other members yet: `hearsay invite` makes a token to join')
  const rows = found.map((member) => row(invocation, member))
  await printTable(
    invocation.output,
    ['MEMBER', 'STATE', 'BEHIND', 'AHEAD', 'LAST EQUAL', 'LAST SEEN', 'HINTS'],
    rows,
    {
      drop: ['HINTS', 'AHEAD', 'LAST EQUAL', 'LAST SEEN'],
      cut: ['MEMBER'],
    },
  )
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
