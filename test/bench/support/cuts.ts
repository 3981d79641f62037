/** Meshes of real daemons that are cut in two and healed. */
import type { Daemon } from '../../e2e/daemons.js'
import { type Looker, putAll, untilConnected } from './daemons.js'
import { pairsOf } from './pairs.js'

/** Cuts two groups apart; resolves when no connection between them is left. */
export async function cutApart(
  left: readonly Daemon[],
  right: readonly Daemon[],
  lookers: readonly Looker[],
): Promise<void> {
  const names = right.map(({ name }) => name)
  await Promise.all(left.map((daemon) => daemon.client.block(names)))
  await untilConnected(lookers.slice(0, left.length), left.length - 1)
  await untilConnected(lookers.slice(left.length), right.length - 1)
}

/** Lets the two groups meet again. */
export async function heal(left: readonly Daemon[]): Promise<void> {
  await Promise.all(left.map((daemon) => daemon.client.unblock()))
}

/** d puts on the first node of each side, under names of their own. */
export async function putOnBothSides(
  left: readonly Daemon[],
  right: readonly Daemon[],
  name: string,
  d: number,
): Promise<void> {
  await putAll(left[0]!, pairsOf(`${name}/left`, d))
  await putAll(right[0]!, pairsOf(`${name}/right`, d))
}
