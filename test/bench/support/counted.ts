/** A counter that three members counted on in many runs: as it is before their folds, and after. */
import { counter } from '../../../store/model/address.js'
import { foldOf } from '../../../store/model/counter-fold.js'
import { extended, type Reach } from '../../../store/model/counter-paths.js'
import { encodeCounter } from '../../../store/model/counter-values.js'
import { valueHash } from '../../../store/model/digest.js'
import { compareDots, type Dot } from '../../../store/model/dot.js'
import type { Update, Version } from '../../../store/model/update.js'

/** The counter. */
export const countedKey = 'bench/counted'
const address = counter(countedKey)
const members = 3
const incrementsOfRun = 8
const dayMs = 24 * 3600 * 1000

/** Totals of runs of three members in turn, one a day, the last one today. */
export function countedTotals(runs: number, nowMs: number): Update[] {
  return Array.from({ length: runs }, (_, run) => totalOf(run, nowMs - (runs - run) * dayMs))
}

/** The fold that each member makes of its totals. */
export function foldsOfTotals(totals: readonly Update[], nowMs: number): Update[] {
  return Array.from({ length: members }, (_, member) => {
    const mine = totals.filter((_update, run) => run % members === member)
    const dot = { actor: `${member}`.padStart(16, 'd'), counter: 1 }
    const runs = { current: dot.actor, isOwn: () => true, nowMs, totalsMin: 1 }
    const { value, supersedes } = foldOf(mine.map(versionOfTotal), runs)!
    return { ...put(dot, nowMs, value!), supersedes: supersedes.toSorted(compareDots) }
  })
}

function totalOf(run: number, ms: number): Update {
  const actor = `${run}`.padStart(16, 'c')
  let reach: Reach | undefined
  let dot: Dot = { actor, counter: 0 }
  for (let at = 1; at <= incrementsOfRun; at++) {
    dot = { actor, counter: at }
    reach = extended(reach, dot, { ms, logical: at }, 1)
  }
  return put(dot, ms, encodeCounter({ kind: 'total', reach: reach! }))
}

function put(dot: Dot, ms: number, value: Uint8Array): Update {
  return { dot, address, kind: 'put', time: { ms, logical: 0 }, expiresAtMs: null, value, supersedes: [] }
}

function versionOfTotal({ dot, time, value }: Update): Version {
  return { dot, time, expiresAtMs: null, value: value!, valueHash: valueHash(value!) }
}
