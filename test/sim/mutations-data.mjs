/**
 * Deliberate bugs in what a user's write supersedes and a read shows: registers, counters, documents, deadlines,
 * tokens, retry keys.
 */
import { one } from './mutation.mjs'

/** See mutations.mjs. */
export const dataMutations = [
  one(
    'superseded-dropped',
    'an update leaves one of the dots out that its writer had in view',
    'store/replica/ledger.ts',
    'const supersedes = this.#effects.contents.named(batch, address, draft.supersedes)',
    'const supersedes = this.#effects.contents.named(batch, address, draft.supersedes).slice(draft.supersedes.length > 1 ? 1 : 0)',
  ),
  one(
    'supersedes-all',
    'a put without a context supersedes the siblings that its writer did not see, too',
    'store/data/values.ts',
    'context ?? turn.look(address).groups[0]?.dots ?? []',
    'context ?? turn.look(address).groups.flatMap((group) => group.dots)',
  ),
  {
    name: 'token-unbound',
    says: 'a token is let through at another address',
    edits: [
      {
        file: 'store/model/token.ts',
        find: '.text(address.key).bytes(address.field)',
        replace: ".text('any').bytes(address.field)",
      },
    ],
  },
  one(
    'expiry-by-one-clock',
    'a version is deleted for good by one fast clock',
    'store/model/clock.ts',
    'return Math.min(nowMs, nowMs + (median(offsetsMs) ?? Number.NaN))',
    'return nowMs',
  ),
  one(
    'put-over-hidden',
    'a put supersedes what its own clock alone takes for expired',
    'store/data/values.ts',
    'const expired = expiredDots(versions, transaction.expiredByMs)\n    if (options.ifAbsent',
    'const expired = expiredDots(versions, transaction.nowMs)\n    if (options.ifAbsent',
  ),
  one(
    'display-by-own-clock',
    'the own clock alone says which versions are from the future',
    'store/model/register.ts',
    'isFuture(time, clock.sharedNowMs, clock.clockBoundMs)',
    'isFuture(time, clock.nowMs, clock.clockBoundMs)',
  ),
  {
    name: 'chain-taken-up',
    says: 'a chain of a counter that was deleted is taken up again by the same run',
    edits: [
      {
        file: 'store/model/counter-paths.ts',
        find: '{ actor: dot.actor, chain: dot.counter, sequence: 1, total: by, trail }',
        replace: '{ actor: dot.actor, chain: 0, sequence: 1, total: by }',
      },
    ],
  },
  one(
    'trail-cut-short',
    'a total carries the trail of its last increment alone, so that two copies of a process are not told apart',
    'store/model/counter-paths.ts',
    '.slice(-counterTrailMax)',
    '.slice(-1)',
    // Two copies of one process that go on with one counter, one further than the other, before either notices: seldom
    // met by a seed.
    { test: { file: 'test/property/counter.test.ts' } },
  ),
  one(
    'baselines-forgotten',
    'a delete of a counter leaves out what earlier deletes had seen',
    'store/model/counter.ts',
    'const reaches: Tips = new Map(baselines)',
    'const reaches: Tips = new Map()',
  ),
  one(
    'baseline-gone-early',
    'a baseline goes before every member has acknowledged it',
    'store/replica/log.ts',
    'return this.#obligations.every(({ acknowledged }) => acknowledged.has(dot) && applied.covers(acknowledged))',
    'return true',
  ),
  one(
    'counts-over-others',
    "an increment supersedes other runs' totals too",
    'store/model/counter.ts',
    'const supersedes = own.filter((one) => one.reach.chain === last.chain).map((one) => one.dot)',
    'const supersedes = versions.map((one) => one.dot)',
  ),
  one(
    'counter-without-baseline',
    'a delete of a counter leaves no baseline',
    'store/data/counters.ts',
    'if (reaches.length === 0) return',
    'if (reaches.length >= 0) return',
  ),
  one(
    'retry-forgotten',
    'the answer of a retry-safe write is not in its batch',
    'store/replica/transaction.ts',
    'batch.set(key, encodeRetry(key, { requestHash, answer, atMs: nowMs }))',
    '',
  ),
  one(
    'baseline-of-strangers',
    'a baseline goes although it names a run of a node that is not known as a member',
    'store/replica/baselines.ts',
    'this.#log.isKnownToAll(dot) && this.#log.areMembers(actors)',
    'this.#log.isKnownToAll(dot)',
    { plan: 'baseline-of-strangers.json' },
  ),
  {
    name: 'document-overtaken',
    says: 'an edit of a document supersedes what came while it was made',
    edits: [
      {
        file: 'store/data/documents.ts',
        find: 'if (!isLast && !sameVersions(now, live)) throw new Overtaken()',
        replace: '',
      },
      {
        file: 'store/data/documents.ts',
        find: 'return this.#store(turn, address, edited)',
        replace: 'return this.#store(turn, address, { ...edited, superseded: now.map(({ dot }) => dot) })',
      },
    ],
  },
  {
    name: 'document-unmerged',
    says: 'an edit of a document leaves a version out that it supersedes',
    edits: [
      {
        file: 'store/data/documents.ts',
        find: 'await this.#engine.edit({ versions: bytesOf(live), edit,',
        replace: 'await this.#engine.edit({ versions: bytesOf(live).slice(0, 1), edit,',
      },
      {
        file: 'store/data/documents.ts',
        find: 'superseded: result.merged.map((at) => live[at]!.dot) }',
        replace: 'superseded: live.map(({ dot }) => dot) }',
      },
    ],
  },
]
