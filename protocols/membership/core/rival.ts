/**
 * Two live nodes under one peer id (a copied data directory): how each notices the other, and which of the two keeps
 * the id.
 */
import type { Actor } from '../../../store/model/dot.js'
import type { Update } from '../../../store/model/update.js'

/** Another live node with this node's peer id, by the runs of both. */
export interface Rival {
  readonly ours: Actor
  readonly theirs: Actor
  /** True if this node is the one to take a new peer id: the one with the greater actor id. */
  readonly weGiveWay: boolean
}

/**
 * The rival that the live versions of the own record prove. A version of another run proves nothing by itself: it may
 * be of an earlier run of this node, on a disk that was rolled back. But only somebody alive since can have superseded
 * what this run wrote. Both nodes compare the same two ids, so that they decide alike, and a node that wins is proven
 * to the other by its next version. `run`: the actor id of this run; undefined before its first write, when it has
 * written nothing that anybody could supersede.
 */
export function rivalOf(record: readonly Update[], run: Actor | undefined): Rival | undefined {
  if (run === undefined) return undefined
  const theirs = record
    .filter(({ dot, supersedes }) => dot.actor !== run && supersedes.some(({ actor }) => actor === run))
    .map(({ dot }) => dot.actor)
    .sort()[0]
  return theirs === undefined ? undefined : { ours: run, theirs, weGiveWay: run > theirs }
}

/** True if a live version of the own record was written by another run than this one. */
export function hasForeign(record: readonly Pick<Update, 'dot'>[], run: Actor | undefined): boolean {
  return record.some(({ dot }) => dot.actor !== run)
}
