/** Deliberate bugs in how a store keeps what it has: batches, contexts, the tree, the log, damage. */
import { one } from './mutation.mjs'

/** See mutations.mjs. */
export const storeMutations = [
  one(
    'seen-ignored',
    'a version is stored although its dot was seen (and superseded) before',
    'store/model/join.ts',
    'version !== null && !isLive && !seen.has(update.dot) ? [version] : []',
    'version !== null && !isLive ? [version] : []',
  ),
  one(
    'hollow-is-applied',
    'a superseded dot counts as applied before its own update came',
    'store/replica/effects.ts',
    '    contexts.addSeen(batch, named)\n',
    '    contexts.addApplied(batch, named)\n',
  ),
  one(
    'leaf-split-off-by-one',
    'an inner node collapses one entry too late, so that the shape of the tree depends on its history',
    'store/merkle/trie.ts',
    'inner.count <= leafEntriesMax)',
    'inner.count < leafEntriesMax)',
  ),
  one(
    'dirty-path-forgotten',
    'a replaced entry does not mark its path in the tree',
    'store/merkle/trie.ts',
    'if (leaf.replace(position, digest, packed)) this.#touch(depth, 0)',
    'leaf.replace(position, digest, packed)',
  ),
  one(
    'digest-without-dots',
    'the digest of an entry leaves its dots and times out',
    'store/model/digest.ts',
    '    writeDot(writer, version.dot)\n    writeTime(writer, version.time)\n',
    '',
  ),
  one('no-fsync', 'batches are not synced', 'store/replica/writer.ts', '{ sync: this.#sync }', '{ sync: false }'),
  one(
    'answered-early',
    'a write is answered before its batch is durable',
    'store/replica/writer.ts',
    '    const committed = this.#hooks.seal(batch)\n',
    '    const committed = this.#hooks.seal(batch)\n    for (const settler of settlers) settler.resolve()\n',
  ),
  one(
    'shown-early',
    'captures show contexts that are not committed yet',
    'store/replica/sync-side.ts',
    'const { seen, applied } = this.#core.committed\n',
    'const { seen, applied } = this.#core.ledger\n',
  ),
  one(
    'in-flight-absent',
    'an entry that the batch in flight has moved counts as absent, because the disk shows that batch before the commit',
    'store/replica/missing.ts',
    'if (entry !== undefined) return entry',
    'return entry',
  ),
  one(
    'two-batches',
    'contexts and entries are written in two batches',
    'store/replica/writer.ts',
    '      await this.#store.write(batch.changes(), { sync: this.#sync })\n',
    '      const all = batch.changes()\n      await this.#store.write(all.filter(({ key }) => key[0] === 99), { sync: this.#sync })\n      await this.#store.write(all.filter(({ key }) => key[0] !== 99), { sync: this.#sync })\n',
  ),
  one(
    'failed-write-ignored',
    'a failed write is answered as stored',
    'store/replica/writer.ts',
    '      this.#fail(cause, settlers)\n      return\n',
    '      void cause\n',
  ),
  one(
    'hollow-not-kept',
    'the rows of contexts keep what was applied, not what was seen',
    'store/replica/context-rows.ts',
    'seen: this.seen.rangesOf(actor), applied: this.applied.rangesOf(actor) }',
    'seen: this.applied.rangesOf(actor), applied: this.applied.rangesOf(actor) }',
  ),
  {
    name: 'actor-kept',
    says: 'an actor id outlives its run, so that a rolled-back disk issues dots again',
    edits: [
      {
        file: 'store/replica/ledger.ts',
        find: '    return this.runs.nextDot(nowMs, (actor) => this.#contexts.members.set(actor, this.#options.member))',
        replace:
          '    this.members.set(this.#options.member, this.#options.member)\n    return { actor: this.#options.member, counter: this.seen.lastOf(this.#options.member) + 1 }',
      },
    ],
  },
  one(
    'damage-ignored',
    'damage that verification finds is not repaired',
    'store/replica/health.ts',
    'if (this.#isSuspect || !isSound(survey)) {',
    'if (this.#isSuspect) {',
  ),
  one(
    'lost-stays-seen',
    'located damage leaves the lost dots in the contexts',
    'store/replica/repair.ts',
    'lost.map(({ dot }) => dot),\n',
    'lost.slice(0, 0).map(({ dot }) => dot),\n',
  ),
  one(
    'logged-forgotten',
    'an unreadable row of the log takes its dot out of the contexts, though what superseded it stays in them',
    'store/replica/repair.ts',
    'lost.map(({ dot }) => dot),\n',
    '[...lost.map(({ dot }) => dot), ...unreadableLogged(damage)],\n',
    // The oracle gives a process no trust whose rows were damaged under it: seeds seldom meet this.
    { test: { file: 'test/unit/damage.test.ts' } },
  ),
  one(
    'lost-believed',
    'after damage that cannot be located, a put whose version is gone is believed to be superseded',
    'store/replica/verify.ts',
    '      if (isLost) return\n',
    '      if (isLost) seen.add(dot)\n',
  ),
  one(
    'memory-believed',
    'contexts rebuilt under a running node believe the past that only memory remembers',
    'store/replica/repair.ts',
    'seen.union(ledger.seen.minus(before.seen).minus(known.seen))',
    'seen.union(ledger.seen.minus(before.seen))',
  ),
  one(
    'checksum-ignored',
    'the checksum of rows is not looked at',
    'store/rows/seal.ts',
    'return end >= 0 && bytes.readUInt32LE(end) === crc32(bytes.subarray(0, end), crc32(key))',
    'return end >= 0',
  ),
  one(
    'log-forgets',
    'the log trims deletes that members have not acknowledged',
    'store/replica/log.ts',
    '!isForced && !acknowledged.has(candidate.dot!)',
    '!isForced && false',
  ),
  one(
    'refusal-half-undone',
    'a refused batch leaves rows behind',
    'store/replica/batch.ts',
    'for (let at = journal.length - 1; at >= 0; at--) journal[at]!()',
    'for (let at = journal.length - 1; at >= 2; at--) journal[at]!()',
  ),
]
