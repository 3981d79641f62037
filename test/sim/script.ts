/**
 * Scripts: what is done to a simulated mesh, and when, as text. Plans of seeds, minimised failures and scenarios are
 * all written so.
 */

/** One thing that is done. */
export interface ScriptAction {
  /** Virtual milliseconds since the beginning. */
  readonly atMs: number
  /** A verb and what it takes: `put n0 k1 v2`. */
  readonly words: readonly string[]
}

/** What a simulation is made of. */
export interface Plan {
  readonly seed: number
  /** Names of the nodes at the beginning. */
  readonly nodes: readonly string[]
  /** Pairs that keep themselves connected. */
  readonly edges: readonly (readonly [string, string])[]
  readonly syncIntervalMs: number
  readonly heartbeatMs: number
  readonly logBytesMax: number
  /** `log.maxAge`, in milliseconds; absent: no limit. */
  readonly logAgeMs?: number
  /** True if writes are on the disk before they are acknowledged. */
  readonly sync: boolean
  readonly latencyMs: number
  readonly jitterMs: number
  /**
   * How many of the disks, from 0 to 1, belong to nodes that are often at something else: what a disk does is long
   * unheard of there. None by default.
   */
  readonly busyDisks?: number
  /** Wall clock offsets, in milliseconds. */
  readonly offsetsMs: readonly number[]
  readonly actions: readonly ScriptAction[]
  /** When the faults end, in virtual milliseconds. */
  readonly quietMs: number
}

/** An action as a line. */
export function formatAction({ atMs, words }: ScriptAction): string {
  return `${String(Math.round(atMs)).padStart(7)} ${words.join(' ')}`
}

/** A plan as text that can be read. */
export function formatPlan(plan: Plan): string {
  const { seed, nodes, edges, syncIntervalMs, heartbeatMs, logBytesMax, logAgeMs, sync, latencyMs, jitterMs, quietMs } =
    plan
  return [
    `seed ${seed}`,
    `nodes ${nodes.join(' ')}`,
    `edges ${edges.map((pair) => pair.join('-')).join(' ')}`,
    `sync interval ${syncIntervalMs} ms, heartbeat ${heartbeatMs} ms, log ${logBytesMax} bytes and ${logAgeMs ?? 'any number of'} ms, durability ${sync ? 'fsync' : 'os'}`,
    `latency ${latencyMs} ms, jitter ${jitterMs} ms, clocks off by ${plan.offsetsMs.join(' ')} ms`,
    ...plan.actions.map(formatAction),
    `${String(quietMs).padStart(7)} quiet`,
  ].join('\n')
}
