/** Deliberate bugs in the folding of counters: one for each condition that it rests on. */
import { one } from './mutation.mjs'

const units = { test: { file: 'test/unit/counter-folds.test.ts' } }

/** As in mutations.mjs. */
export const foldMutations = [
  one(
    'fold-unacknowledged',
    'a counter is folded before all members have acknowledged something of this run',
    'store/replica/log.ts',
    'return members.every(({ readsFolds }) => readsFolds === true) && this.isKnownToAll(increment)',
    'return members.every(({ readsFolds }) => readsFolds === true)',
    units,
  ),
  one(
    'fold-unread',
    'a counter is folded while a member reads no folds',
    'store/replica/log.ts',
    'return members.every(({ readsFolds }) => readsFolds === true) && this.isKnownToAll(increment)',
    'return this.isKnownToAll(increment)',
    units,
  ),
  one(
    'fold-known-beyond-here',
    'a member has acknowledged what is unknown here, and counters are folded and baselines go all the same',
    'store/replica/log.ts',
    'acknowledged.has(dot) && applied.covers(acknowledged))',
    'acknowledged.has(dot))',
    units,
  ),
  one(
    'fold-of-ended-run',
    'a fold is issued under another run than the one whose increment was acknowledged',
    'store/replica/folds.ts',
    'if (dot.actor !== evidence.actor) throw new RunEnded()',
    '',
    units,
  ),
  one(
    'fold-alone',
    'a node that knows of no members folds: it may have known some before its disk went back',
    'store/replica/log.ts',
    'if (members.length === 0 || increment',
    'if (increment',
    units,
  ),
  one(
    'fold-of-others',
    'a member folds the totals of others',
    'store/replica/folds.ts',
    'const isOwn = (actor: string) => ledger.members.get(actor) === member',
    'const isOwn = (actor: string) => ledger.members.get(actor) !== undefined && member.length > 0',
    units,
  ),
  one(
    'fold-of-branches',
    'a chain that went on in two copies of a process is folded as if it had one end',
    'store/model/counter-fold.ts',
    '.filter(([, tips]) => tips.length > 1)',
    '.filter(([, tips]) => tips.length > 9)',
    units,
  ),
  one(
    'fold-without-trails',
    'a fold keeps no trails, so that branches of a copied machine are not told apart',
    'store/model/counter-fold.ts',
    'return endedMs < nowMs - counterTrailKeptMs ?',
    'return endedMs < nowMs + 2 * counterTrailKeptMs ?',
    units,
  ),
  one(
    'fold-partly-covered',
    'a fold leaves out a total of which a baseline covers a part',
    'store/model/counter-fold.ts',
    'deepest(reach, baselines.get(text) ?? []).sequence < reach.sequence)',
    'deepest(reach, baselines.get(text) ?? []).sequence === 0)',
    units,
  ),
  one(
    'fold-not-in-baselines',
    'a delete takes a fold away and does not name its chains',
    'store/model/counter.ts',
    'const { live, baselines } = readVersions(versions)\n  const reaches: Tips',
    'const { live, baselines } = readVersions(versions.filter(({ value }) => value[0] !== 5))\n  const reaches: Tips',
    units,
  ),
  one(
    'baseline-unheard',
    'a baseline goes although not all members have acknowledged this run: what they say may be from before a disk went back',
    'store/replica/log.ts',
    'acknowledged.lastOf(actor) > 0) === true',
    'acknowledged.lastOf(actor) >= 0) === true',
    units,
  ),
]
