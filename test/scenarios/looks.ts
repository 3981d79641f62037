/** What an observer sees: versions and contexts on disks, logs, sessions, members, warnings. */
import type { MemberStatus } from '../../protocols/membership/types.js'
import { isUserAddress, register } from '../../store/model/address.js'
import type { Dot } from '../../store/model/dot.js'
import { type DotRow, decodeDotRow, dotOfKey } from '../../store/rows/dots.js'
import type { SimNode } from '../sim/node.js'
import type { ScenarioStage } from './stage.js'
import { type Commands, expectWords } from './words.js'

/** Commands that change nothing. */
export const lookCommands: Commands = {
  /** show KEY [NODE...]: the live versions on the disks; nodes with the same ones on one line */
  show: (stage, [key = '', ...names]) => {
    const nodesOf = new Map<string, string[]>()
    for (const node of stage.nodesOf(names)) {
      const text = stage.live(node, register(key)).join(' | ') || 'nothing'
      nodesOf.set(text, [...(nodesOf.get(text) ?? []), node.name])
    }
    return [...nodesOf].map(([text, nodes]) => `${nodes.join(' ')}: ${text}`)
  },
  /** context NODE: what it has seen; and what of it is hollow: seen, its own update still to come */
  context: (stage, words) => {
    expectWords(words, 'NODE')
    const { seen, applied } = stage.node(words[0]!).mirror
    const hollow = seen.minus(applied)
    return [`seen ${stage.context(seen)}`, ...(hollow.isEmpty ? [] : [`hollow ${stage.context(hollow)}`])]
  },
  /** log NODE: what the update log keeps of users' updates whose version is gone */
  log: async (stage, words) => {
    expectWords(words, 'NODE')
    const lines = await logOf(stage, stage.node(words[0]!))
    return lines.length === 0 ? ['empty'] : lines
  },
  /** sessions: sync sessions that ended since the last look, by who opened them */
  sessions: (stage, words) => {
    const taken = stage.sessions.splice(0).filter((line) => words.every((word) => line.includes(word)))
    return taken.length === 0 ? ['none'] : taken
  },
  /** status NODE: what it knows of the other members */
  status: (stage, words) => {
    expectWords(words, 'NODE')
    return stage.run(words[0]!).protocols.membership.members().map(memberText)
  },
  /** warnings NODE: what its operator should know */
  warnings: (stage, words) => {
    expectWords(words, 'NODE')
    const run = stage.run(words[0]!)
    const warnings = [...run.replica.warnings.all(), ...run.protocols.membership.warnings()]
    return warnings.length === 0 ? ['none'] : warnings.map((warning) => withNames(stage, warning))
  },
}

async function logOf(stage: ScenarioStage, node: SimNode): Promise<string[]> {
  const lines: string[] = []
  for (const { key, value } of await node.disk.all('dot')) {
    const row = decodeDotRow(key, value)
    if (row.state !== 'live' && isUserAddress(row.address)) lines.push(rowText(stage, dotOfKey(key), row))
  }
  return lines.sort()
}

function rowText(stage: ScenarioStage, dot: Dot, { state, kind, address, supersedes, supersededBy }: DotRow): string {
  if (state === 'stub') return `${stage.dot(dot)} not here yet, superseded by ${stage.dot(supersededBy!)}`
  const over = supersedes.length === 0 ? '' : ` over ${stage.dots(supersedes)}`
  const by = supersededBy === null ? '' : `, superseded by ${stage.dot(supersededBy)}`
  return `${stage.dot(dot)} ${kind} ${address.key}${over}${by}`
}

function memberText({ name, connected, converged, behind, ahead }: MemberStatus): string {
  const facts = [connected ? 'connected' : 'away']
  if (converged) facts.push('equal')
  if (behind > 0) facts.push(`misses ${behind}`)
  if (ahead > 0) facts.push(`ahead by ${ahead}`)
  return `${name}: ${facts.join(', ')}`
}

/** Actor ids are random: they are shown by their short names. */
function withNames(stage: ScenarioStage, text: string): string {
  return text.replace(/\b[0-9a-f]{16}\b/g, (actor) => stage.actor(actor))
}
