/** Deliberate bugs in what nodes say to each other and conclude from it: sessions, gossip, heartbeats, quorums. */
import { one } from './mutation.mjs'

/** See mutations.mjs. */
export const syncMutations = [
  one(
    'unite-at-start',
    "a session unites the peer's contexts before anything was transferred",
    'protocols/sync/core/conversation.ts',
    "    yield { type: 'peerCaptured', capture }\n",
    "    yield { type: 'peerCaptured', capture }\n    yield { type: 'unite', peer: capture, except: this.refused, compared: capture.seen }\n",
  ),
  one(
    'unite-after-cut',
    'a session that was cut unites as if it were complete',
    'protocols/sync/driver.ts',
    '      await Promise.allSettled(this.#writes)\n',
    '      await Promise.allSettled(this.#writes)\n      try { await this.#surroundings.replica.unite(this.#session.talk.theirs) } catch {}\n',
  ),
  one(
    'heard-and-alone',
    'a node that hears others before it knows their records goes by its own clock alone',
    'protocols/membership/service.ts',
    ' || offsets.size > 0',
    '',
    { plan: 'joins-with-a-fast-clock.json' },
  ),
  one(
    'unite-without-delta',
    "a session that left out the peer's young updates unites them all the same",
    'protocols/sync/core/conversation.ts',
    '    if (this.isDeltaLeftOut) return false\n',
    '',
    { plan: 'union-without-the-delta.json' },
  ),
  one(
    'unite-overtaken',
    'a union although gossip overtook the comparison',
    'store/replica/sync-side.ts',
    'if (compared !== undefined && ledger.hasUnsettled(batch, peer, compared)) return',
    '',
  ),
  one(
    'partial-adds-context',
    "a partial pass adds the peer's whole context",
    'protocols/sync/core/inbound.ts',
    "  if (accepted.length > 0) yield { type: 'join', entries: accepted, peer }\n",
    "  if (accepted.length > 0) yield { type: 'join', entries: accepted, peer }\n  yield { type: 'unite', peer: talk.theirs, except: nothing, compared: talk.theirs.seen }\n",
  ),
  one(
    'unseen-is-removed',
    'what the peer never saw counts as removed there',
    'store/model/join.ts',
    'peerSeen.has(version.dot) && theirsAt(version.dot) === undefined',
    'theirsAt(version.dot) === undefined',
  ),
  one(
    'removal-ignored',
    'what the peer removed is kept at a join',
    'store/replica/ledger.ts',
    'if (change.dropped.length > 0) {\n      this.entries.write(batch, entry.address, mine, change.versions)',
    'if (change.dropped.length > 99) {\n      this.entries.write(batch, entry.address, mine, change.versions)',
  ),
  one(
    'absent-forgotten',
    'entries that the peer does not list at all are not joined',
    'protocols/sync/core/tree.ts',
    '    yield* joinDoubted(this.#state, turn)\n',
    '    this.#state.doubts.clear()\n',
  ),
  one(
    'gap-filled',
    'a gossiped update brings the sender’s context: everything before it of the same actor counts as seen',
    'store/replica/effects.ts',
    '    contexts.addSeen(batch, dot)\n    if (knowledge.counts)',
    '    contexts.addSeen(batch, dot)\n    contexts.seen.addRange(dot.actor, 1, dot.counter)\n    if (knowledge.counts)',
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
    'daemon/mesh/protocols.ts',
    'this.membership.acknowledge(peer, contexts.applied)',
    'this.membership.acknowledge(peer, contexts.seen)',
  ),
  one(
    'relay-too-late',
    'a relay “the same as mine” is resolved against what is known of the sender by now',
    'protocols/membership/intake.ts',
    'acks.applyRelay(member, epoch, ownContext)',
    'acks.applyRelay(member, epoch, acks.get(from.tag).context)',
  ),
  one(
    'digest-truncated',
    'digests of subtrees on the wire have two bits',
    'store/merkle/salted.ts',
    'putHash(target, at, saltedDigestBytes, scratch)',
    'putHash(target, at, 1, scratch)\n  target[at] = 1 + (target[at]! & 3)',
  ),
  one(
    'root-truncated',
    'roots are compared by three bits',
    'protocols/sync/core/session.ts',
    'return Buffer.compare(talk.mine.root, talk.theirs.root) === 0',
    'return ((talk.mine.root[0]! ^ talk.theirs.root[0]!) & 7) === 0',
  ),
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
        file: 'protocols/sync/core/opening.ts',
        find: 'if (!talk.view.isVerified) return undefined',
        replace: '',
      },
      {
        file: 'protocols/sync/core/conversation.ts',
        find: "if (!this.view.isVerified) throw new SyncError('unverified')",
        replace: '',
      },
    ],
    // The second guard, objections that look at the disk, keeps 2,000 seeds from losing anything.
    test: { file: 'test/unit/sync-session-faults.test.ts' },
  },
  one(
    'table-unchecked',
    'a table is taken for the one that the peer names without comparing their digests',
    'protocols/sync/core/conversation.ts',
    'candidates.find((one) => Buffer.compare(tableRoot(one), table) === 0)',
    'candidates[0]',
  ),
  one(
    'table-of-seen',
    'the digest of a table is over what was seen alone, not over what was applied',
    'protocols/sync/core/tables.ts',
    'seen.digestBelow(prefix) + applied.digestBelow(prefix)',
    'seen.digestBelow(prefix) + seen.digestBelow(prefix)',
  ),
  one(
    'table-digest-stale',
    'the digest of a part of a context is not computed again after the part has changed',
    'store/model/actor-map.ts',
    'if (node.owner !== owner) return new Leaf(owner, node.keys, node.values.slice())\n  node.digest = undefined\n',
    'if (node.owner !== owner) {\n    const leaf = new Leaf(owner, node.keys, node.values.slice())\n    leaf.digest = node.digest\n    return leaf\n  }\n',
  ),
  one(
    'table-for-capture',
    'what a swap of tables came to is taken for what the peer has seen',
    'protocols/sync/core/opening.ts',
    'if (talk.findTable(open, swapped)) return open\n',
    'if (talk.findTable(open, swapped)) return swapped === undefined ? open : { ...open, capture: { ...open.capture, changed: [], added: [] } }\n',
  ),
  one(
    'table-unanswered',
    'an answer that names no table is taken for one to the table that was named',
    'protocols/sync/core/opening.ts',
    'if (!sameTable(answer.table, table)) throw new SyncError(noTablesReason)',
    '',
    { test: { file: 'test/property/tables.test.ts' } },
  ),
  one(
    'union-applied-in-part',
    'a union that leaves actors out unites what was applied all the same',
    'store/replica/context-rows.ts',
    'beyond.length === 0 ? peer.applied : new Context()',
    'peer.applied',
    { test: { file: 'test/unit/union-bound.test.ts' } },
  ),
  one(
    'quorum-by-connections',
    'whoever is connected counts for a quorum, whether it has answered since or not',
    'protocols/membership/quorum.ts',
    'const answered = this.#answered.get(peer)\n',
    'const answered = this.#options.network.peers().includes(peer) ? heartbeats.latest(peer)?.list : undefined\n',
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
