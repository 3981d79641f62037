/** Colours of equality: nodes with one root have one hue, and a hue stays with most of those who had it. */

/** Number of hues; further groups share the last one, and are told apart by their digits. */
export const huesMax = 8

/** The root of each node by its peer id; nodes whose root is not known are left out. */
export type Roots = ReadonlyMap<string, string>
/** The hue of each node by its peer id, from 0. */
export type Hues = ReadonlyMap<string, number>

interface Claim {
  readonly nodes: readonly string[]
  readonly hue: number
  readonly votes: number
}

/**
 * Gives each group of equal nodes a hue. A group claims the hue that most of its nodes had before; of two groups that
 * claim one hue the one with more such nodes has it, at a tie that of `self`, then the larger, then the first by name.
 * The others take the lowest free hue.
 */
export function huesOf(roots: Roots, before: Hues, self: string): Map<string, number> {
  const claims = groupsOf(roots).map((nodes) => claimOf(nodes, before))
  claims.sort((a, b) => b.votes - a.votes || rank(b, self) - rank(a, self) || (a.nodes[0]! < b.nodes[0]! ? -1 : 1))
  const taken = new Set<number>()
  const hues = new Map<string, number>()
  const wanting: Claim[] = []
  const give = ({ nodes }: Claim, hue: number) => {
    taken.add(hue)
    for (const node of nodes) hues.set(node, hue)
  }
  for (const claim of claims) {
    if (claim.votes > 0 && !taken.has(claim.hue)) give(claim, claim.hue)
    else wanting.push(claim)
  }
  for (const claim of wanting) give(claim, freeHue(taken))
  return hues
}

/** The root of each node of which it is known: a converged member has that of `self`. */
export function rootsOf(
  self: { readonly peer: string; readonly root: string },
  members: readonly {
    readonly peer: string
    readonly root: string | null
    readonly converged: boolean
    readonly connected: boolean
  }[],
): Map<string, string> {
  const own = self.root.slice(0, 8)
  const roots = new Map([[self.peer, own]])
  for (const { peer, root, converged, connected } of members) {
    if (converged) roots.set(peer, own)
    else if (root !== null && connected) roots.set(peer, root.slice(0, 8))
  }
  return roots
}

function groupsOf(roots: Roots): string[][] {
  const groups = new Map<string, string[]>()
  for (const [node, root] of [...roots].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    groups.set(root, [...(groups.get(root) ?? []), node])
  }
  return [...groups.values()]
}

function claimOf(nodes: readonly string[], before: Hues): Claim {
  const votes = new Map<number, number>()
  for (const node of nodes) {
    const hue = before.get(node)
    if (hue !== undefined) votes.set(hue, (votes.get(hue) ?? 0) + 1)
  }
  const [best] = [...votes].toSorted(([a, m], [b, n]) => n - m || a - b)
  return { nodes, hue: best?.[0] ?? 0, votes: best?.[1] ?? 0 }
}

function rank({ nodes }: Claim, self: string): number {
  return nodes.includes(self) ? Number.MAX_SAFE_INTEGER : nodes.length
}

function freeHue(taken: ReadonlySet<number>): number {
  for (let hue = 0; hue < huesMax; hue++) if (!taken.has(hue)) return hue
  return huesMax - 1
}
