/** PURE: equality of the nodes of a lab, and the cost of a heal, from what the nodes say of themselves. */
import type { Status } from '../client.js'

/** Part of a node's status by which nodes are compared. */
export type NodeState = Pick<Status, 'node' | 'root' | 'context' | 'verified'> & {
  readonly members: readonly Pick<Status['members'][number], 'name' | 'connected' | 'converged' | 'blocked'>[]
}

/** True if one of two nodes has blocked the other: they need not hear each other, only have the same. */
export function isBlockBetween(a: NodeState, b: NodeState): boolean {
  const blocks = (from: NodeState, to: NodeState) =>
    from.members.some((member) => member.name === to.node && member.blocked)
  return blocks(a, b) || blocks(b, a)
}

/** True if all nodes have the same content and each knows it of each other. */
export function areEqual(states: readonly NodeState[]): boolean {
  return unequalTo(states).length === 0
}

/** The nodes that are not yet known to be equal to the first one. */
export function unequalTo(states: readonly NodeState[]): readonly string[] {
  const [first] = states
  const hasSame = (state: NodeState) => state.verified && state.root === first!.root && state.context === first!.context
  return states.filter((state) => !hasSame(state) || !knowsAllEqual(state, states)).map(({ node }) => node)
}

/** True if a node has heard from each other that it is equal, but for those that are blocked. */
function knowsAllEqual(state: NodeState, states: readonly NodeState[]): boolean {
  const equal = new Set(state.members.filter(({ converged }) => converged).map(({ name }) => name))
  return states.every((other) => other === state || equal.has(other.node) || isBlockBetween(state, other))
}

/** True if a node is verified and connected to all that it can reach, but for those that are blocked. */
export function hasMet(
  node: string,
  states: readonly NodeState[],
  canReach: (a: string, b: string) => boolean,
): boolean {
  const own = states.find((state) => state.node === node)
  if (!own?.verified) return false
  const connected = new Set(own.members.filter((member) => member.connected).map(({ name }) => name))
  const others = states.filter((other) => other !== own && canReach(node, other.node))
  return others.every((other) => connected.has(other.node) || isBlockBetween(own, other))
}

/** Traffic of anti-entropy over the links. */
export interface SyncCounts {
  readonly sessions: number
  readonly bytes: number
  readonly entries: number
}

/** Reads the counts of one node's metrics: what it sent, and the sessions that it took part in. */
export function syncCountsOf(metrics: string): SyncCounts {
  const count = (name: string) => Number(new RegExp(`^hearsay_sync_${name}_total (\\d+)`, 'm').exec(metrics)?.[1] ?? 0)
  return { sessions: count('completed'), bytes: count('bytes_sent'), entries: count('entries_sent') }
}

/** Traffic between two readings of the same nodes. Each session has two sides; each byte and entry was sent once. */
export function difference(before: readonly SyncCounts[], after: readonly SyncCounts[]): SyncCounts {
  const added = (name: keyof SyncCounts) =>
    sum(after.map((counts) => counts[name])) - sum(before.map((counts) => counts[name]))
  return { sessions: Math.ceil(added('sessions') / 2), bytes: added('bytes'), entries: added('entries') }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
