/** Deliberate bugs: edits that the bundler puts into the production code of one simulator. Each must be caught by the oracle. */

const one = (name, says, file, find, replace) => ({ name, says, edits: [{ file, find, replace }] })

/** Every mutation: its name, what is wrong with it in words, and its edits; each edit must fit the code exactly once. */
export const mutations = [
  one(
    'unite-at-start',
    "a session unites the peer's contexts before anything was transferred",
    'protocols/sync/core/conversation.ts',
    "    yield { type: 'heard', capture }\n",
    "    yield { type: 'heard', capture }\n    yield { type: 'unite', peer: capture, except: this.refused, compared: capture.seen }\n",
  ),
  one(
    'unite-after-cut',
    'a session that was cut unites as if it were complete',
    'protocols/sync/driver.ts',
    '      await Promise.allSettled(this.#writes)\n',
    '      await Promise.allSettled(this.#writes)\n      try { await this.#surroundings.replica.unite(this.#session.talk.theirs) } catch {}\n',
  ),
  one(
    'unite-overtaken',
    'a union although gossip overtook the comparison',
    'store/replica/replica.ts',
    'if (compared !== undefined && this.#ledger.hasUnsettled(batch, peer, compared)) return',
    '',
  ),
  one(
    'partial-adds-context',
    "a partial pass adds the peer's whole context",
    'store/replica/ledger.ts',
    '    return { news, dropped: dropped + change.dropped.length }\n  }\n\n  /** Unites',
    '    this.unite(batch, peer, new Context())\n    return { news, dropped: dropped + change.dropped.length }\n  }\n\n  /** Unites',
  ),
  one(
    'unseen-is-removed',
    'what the peer never saw counts as removed there',
    'store/model/join.ts',
    'peerSeen.has(version.dot) && !theirs',
    '!theirs',
  ),
  one(
    'removal-ignored',
    'what the peer removed is kept at a join',
    'store/replica/ledger.ts',
    'if (change.dropped.length > 0) {\n      this.#writeVersions(batch, entry.address, key, mine, change.versions)',
    'if (change.dropped.length > 99) {\n      this.#writeVersions(batch, entry.address, key, mine, change.versions)',
  ),
  one(
    'absent-forgotten',
    'entries that the peer does not list at all are not joined',
    'protocols/sync/core/tree.ts',
    '    yield* joinAbsent(this.#state)\n',
    '    this.#state.uncovered.clear()\n',
  ),
  one(
    'seen-ignored',
    'a version is stored although its dot was seen (and superseded) before',
    'store/model/join.ts',
    'version !== null && !seen.has(update.dot) ? [version] : []',
    'version !== null && live === undefined ? [version] : []',
  ),
  one(
    'gap-filled',
    'a gossiped update brings the sender’s context: everything before it of the same actor counts as seen',
    'store/replica/ledger.ts',
    '    this.#addDot(batch, this.seen, dot)\n    if (knowledge.counts)',
    '    this.#addDot(batch, this.seen, dot)\n    this.seen.addRange(dot.actor, 1, dot.counter)\n    if (knowledge.counts)',
  ),
  one(
    'hollow-is-applied',
    'a superseded dot counts as applied before its own update came',
    'store/replica/ledger.ts',
    '    this.#addDot(batch, this.seen, superseded)\n',
    '    this.#addDot(batch, this.seen, superseded)\n    this.#addDot(batch, this.applied, superseded)\n',
  ),
  one(
    'hollow-acknowledged',
    'heartbeats acknowledge what was seen, not what was applied',
    'protocols/membership/local-state.ts',
    'this.#applied.advance(capture.applied)',
    'this.#applied.advance(capture.seen)',
  ),
  one(
    'hollow-acknowledged-by-sync',
    'a session takes what the peer has seen for acknowledged',
    'daemon/protocols.ts',
    'this.membership.acknowledge(peer, contexts.applied)',
    'this.membership.acknowledge(peer, contexts.seen)',
  ),
  one(
    'relay-too-late',
    'a relay “the same as mine” is resolved against what is known of the sender by now',
    'protocols/membership/intake.ts',
    'acks.relayed(member, epoch, told)',
    'acks.relayed(member, epoch, acks.get(from.tag).context)',
  ),
  one(
    'superseded-dropped',
    'an update leaves one of the dots out that its writer had in view',
    'store/replica/ledger.ts',
    'const supersedes = [...draft.supersedes].sort(compareDots)',
    'const supersedes = [...draft.supersedes].sort(compareDots).slice(draft.supersedes.length > 1 ? 1 : 0)',
  ),
  one(
    'supersedes-all',
    'a put without a context supersedes the siblings that its writer did not see, too',
    'store/replica/registers.ts',
    'mergeDots(context ?? groups[0]?.dots ?? [], expiredDots',
    'mergeDots(context ?? groups.flatMap((group) => group.dots), expiredDots',
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
    'digest-truncated',
    'digests of subtrees on the wire have two bits',
    'store/merkle/salted.ts',
    'sha256(scratch).copy(target, at, 0, saltedDigestBytes)',
    'target[at] = 1 + (sha256(scratch)[0]! & 3)',
  ),
  one(
    'root-truncated',
    'roots are compared by three bits',
    'protocols/sync/core/session.ts',
    'return Buffer.compare(talk.mine.root, talk.theirs.root) === 0',
    'return ((talk.mine.root[0]! ^ talk.theirs.root[0]!) & 7) === 0',
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
    'store/replica/replica.ts',
    '  capture(): Capture {\n    const { seen, applied } = this.#committed\n',
    '  capture(): Capture {\n    const { seen, applied } = this.#ledger\n',
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
    'store/replica/ledger.ts',
    'seen: this.seen.rangesOf(actor), applied: this.applied.rangesOf(actor) }',
    'seen: this.applied.rangesOf(actor), applied: this.applied.rangesOf(actor) }',
  ),
  {
    name: 'actor-kept',
    says: 'an actor id outlives its run, so that a rolled-back disk issues dots again',
    edits: [
      {
        file: 'store/replica/ledger.ts',
        find: 'this.#run ??= { actor: this.#newActor(), counter: 0, clockOffsetMs: this.#clockOffsetMs(nowMs) }',
        replace:
          'this.members.set(this.#options.member, this.#options.member)\n    this.#run ??= { actor: this.#options.member, counter: this.seen.lastOf(this.#options.member), clockOffsetMs: this.#clockOffsetMs(nowMs) }',
      },
    ],
  },
  {
    name: 'token-unbound',
    says: 'a token is let through at another address',
    edits: [
      {
        file: 'store/model/token.ts',
        find: '  writeAddress(writer, address)\n',
        replace: "  writeAddress(writer, { ...address, key: 'any' })\n",
      },
    ],
  },
  one(
    'announcement-enters',
    'an announcement enters a context before its bytes are here',
    'protocols/gossip/fetcher.ts',
    '    if (this.#hasAll(announcement.updates.map(({ dot }) => dot))) return\n',
    `    if (this.#hasAll(announcement.updates.map(({ dot }) => dot))) return
    const announced = announcement.updates.map(({ dot }) => ({
      dot, address: { key: 'announced', type: 'reg' as const, field: new Uint8Array(0) }, kind: 'put' as const,
      time: { ms: 1, logical: 0 }, expiresAtMs: null, value: null, supersedes: [] }))
    void this.#options.replica.applyUpdates({ updates: announced, members: announcement.members })
`,
  ),
  {
    name: 'unverified-speaks',
    says: 'a store that is not verified takes part in sessions: what it lost reads as removed',
    edits: [
      {
        file: 'protocols/sync/core/session.ts',
        find: "if (!talk.view.isVerified) return yield* refuse('unverified')",
        replace: '',
      },
      {
        file: 'protocols/sync/core/conversation.ts',
        find: "if (!this.view.isVerified) throw new SyncError('unverified')",
        replace: '',
      },
    ],
  },
  one(
    'damage-ignored',
    'damage that verification finds is not repaired',
    'store/replica/replica.ts',
    'if (this.#isSuspect || !isSound(survey)) await',
    'if (this.#isSuspect) await',
  ),
  one(
    'lost-stays-seen',
    'located damage leaves the lost dots in the contexts',
    'store/replica/repair.ts',
    'lost.map(({ dot }) => dot),\n',
    'lost.slice(0, 0).map(({ dot }) => dot),\n',
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
    'store/keyspace.ts',
    'if (end < 0 || bytes.readUInt32LE(end) !== crc32(bytes.subarray(0, end), crc32(key)))',
    'if (end < 0)',
  ),
  one(
    'log-forgets',
    'the log lets go of deletes that members have not acknowledged',
    'store/replica/log.ts',
    '!isForced && !acknowledged.has(candidate.dot!)',
    '!isForced && false',
  ),
  one(
    'expiry-by-one-clock',
    'a version is deleted for good by one fast clock',
    'store/replica/expiry.ts',
    'Number.NaN : Math.min(nowMs, nowMs + median)',
    'Number.NaN : nowMs',
  ),
  {
    name: 'no-periodic-sync',
    says: 'sessions run after a connect and a gap alone',
    edits: [
      {
        file: 'protocols/sync/scheduler.ts',
        find: 'if (peer !== undefined) this.#wantPeriodic(peer)',
        replace: 'void peer',
      },
      {
        file: 'protocols/sync/scheduler.ts',
        find: 'else if (nowMs - sinceMs >= mismatchMs',
        replace: 'else if (nowMs < 0 && nowMs - sinceMs >= mismatchMs',
      },
    ],
  },
]
