/** The mesh as a graph: what is drawn for each node and link, and in which form. */
import type { Member, Status } from './events.js'
import type { Hues, Roots } from './hues.js'
import { isHeard, type MemberWord, wordOf } from './member-words.js'

/** Nodes beyond which links between other members that are cut are left out: they would hide the rest. */
export const cutLinksNodesMax = 24
/** Nodes beyond which only the links of this node are drawn. */
export const linksNodesMax = 80

/** A disc. A hollow one is a node that nobody hears. */
export interface GraphNode {
  readonly id: string
  readonly name: string
  readonly isSelf: boolean
  readonly digits: string | null
  readonly hue: number | null
  readonly isHollow: boolean
  readonly word: MemberWord | 'this node'
}
/** A link: a line, with a gap where it is cut, with a bar where it is blocked. */
export interface GraphLink {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly form: 'line' | 'gap' | 'bar'
}
/** All that is drawn. */
export interface Graph {
  readonly nodes: readonly GraphNode[]
  readonly links: readonly GraphLink[]
}

/** The graph of a mesh as one node sees it. */
export function graphOf(status: Status, roots: Roots, hues: Hues): Graph {
  const shown = (id: string) => ({ digits: roots.get(id)?.slice(0, 4) ?? null, hue: hues.get(id) ?? null })
  const { peer, node, members } = status
  const self: GraphNode = { id: peer, name: node, isSelf: true, isHollow: false, word: 'this node', ...shown(peer) }
  const others = members.map((member): GraphNode => {
    const word = wordOf(member, members)
    return { id: member.peer, name: member.name, isSelf: false, isHollow: word === 'away', word, ...shown(member.peer) }
  })
  return { nodes: [self, ...others], links: [...ownLinks(status), ...otherLinks(members)] }
}

function ownLinks({ peer, members }: Status): GraphLink[] {
  return members.map((member) => {
    const form = member.blocked ? 'bar' : member.connected ? 'line' : 'gap'
    return { id: linkId(peer, member.peer), from: peer, to: member.peer, form }
  })
}

/** Links between other members, as far as these tell whom they hear. */
function otherLinks(members: readonly Member[]): GraphLink[] {
  if (members.length >= linksNodesMax) return []
  const links: GraphLink[] = []
  for (const [at, one] of members.entries()) {
    for (const other of members.slice(at + 1)) {
      const form = formBetween(one, other, members)
      if (form !== null) links.push({ id: linkId(one.peer, other.peer), from: one.peer, to: other.peer, form })
    }
  }
  return links
}

function formBetween(one: Member, other: Member, members: readonly Member[]): 'line' | 'gap' | null {
  if (one.hears.includes(other.peer) || other.hears.includes(one.peer)) return 'line'
  const isAlive = (member: Member) => member.connected || isHeard(member, members)
  const tells = one.hears.length > 0 || other.hears.length > 0
  return tells && isAlive(one) && isAlive(other) && members.length < cutLinksNodesMax ? 'gap' : null
}

function linkId(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
