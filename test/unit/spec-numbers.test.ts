/**
 * The numbers that the specifications and the documents give, against the limits in the code: each claim is a sentence
 * that must stand there.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { knobs } from '../../daemon/config/knobs.js'
import { gossipTopic } from '../../daemon/net/gossip-options.js'
import * as gossip from '../../protocols/gossip/limits.js'
import * as shared from '../../protocols/limits.js'
import * as membership from '../../protocols/membership/limits.js'
import * as sync from '../../protocols/sync/limits.js'
import * as backup from '../../store/backup/limits.js'
import { kindOfRow, rowKinds } from '../../store/keyspace.js'
import * as model from '../../store/model/limits.js'
import * as roots from '../../store/model/roots.js'
import { isSealed } from '../../store/rows/seal.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** The text on one line, so that a claim may be broken over two. */
const read = (path: string) => readFileSync(join(root, path), 'utf8').replaceAll(/\s+/g, ' ')

const seconds = (ms: number) => `${ms / 1000} s`
const binary = (bytes: number) => (bytes % 2 ** 20 === 0 ? `${bytes / 2 ** 20} MiB` : `${bytes / 1024} KiB`)
const grouped = (count: number) => count.toLocaleString('en')
const spelt = (count: number) => ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'][count]!

const claims: Readonly<Record<string, readonly string[]>> = {
  'protocols/gossip/SPEC.md': [
    `the gossipsub topic \`${gossipTopic}\``,
    `into the next message, up to ${binary(gossip.gossipBytesAim)}`,
    `at most ${gossip.fetchAttemptsMax} times`,
    `1 to ${grouped(gossip.announcedDotsMax)}, no dot twice`,
    `${grouped(gossip.announcedDotsAim)} of ${grouped(gossip.announcedDotsMax)} dots`,
    `${binary(gossip.gossipBytesAim)} of ${binary(gossip.gossipBytesMax)} a message`,
    `${binary(gossip.fetchBytesAim)} of ${binary(gossip.fetchBytesMax)} of values in one announced group`,
    `${gossip.pendingAnnouncementsMax} announcements wait`,
    `${gossip.fetchesMax} fetches at once, ${gossip.servesMax} are answered at once, ${gossip.servesPerPeerMax} of them to one peer`,
    `stands for ${seconds(gossip.fetchProgressMs)}`,
    `more than ${seconds(gossip.fetchTotalMs)} in all`,
    `at ${binary(gossip.fetchBytesPerSecondMin)}/s`,
  ],
  'protocols/membership/SPEC.md': [
    `1 to ${membership.rulesMax} (${membership.rulesAim} are set), prefixes strictly ascending, of at most ${membership.rulePrefixBytesMax} bytes`,
    `{ prefix:text mark:${membership.ruleMarkBytes} }`,
    `A record has at most ${binary(membership.recordBytesMax)}`,
    `After ${spelt(membership.recordRewritesMax)} times it stops`,
    `${membership.earlyHeartbeatMs} ms after the last at the soonest`,
    `${membership.urgentHeartbeatMs} ms while somebody waits`,
    `After ${membership.missedHeartbeatsMax} intervals in which nothing at all came`,
    `no more than ${membership.bytesAloneIntervalsMax} intervals without a whole heartbeat`,
    `at most ${grouped(membership.heartbeatActorsMax)} (${grouped(membership.heartbeatActorsAim)} are sent); no ranges`,
    `relay* ; at most ${membership.relaysMax} (${membership.relaysAim} are sent)`,
    `Beyond ${membership.relayMembersMax} members they carry no contexts`,
    `${binary(membership.heartbeatRelayBytesAim)} of ranges`,
    `for ${seconds(membership.earlyAcksMs)}, acknowledge early`,
    `of the last ${membership.clockSamplesKept} the one with the shortest round trip`,
    `at most every ${seconds(membership.saveAcknowledgementsMs)} a member`,
  ],
  'protocols/sync/SPEC.md': [
    `${grouped(sync.pieceBytesMin)} to ${grouped(sync.pieceBytesMax)} bytes (more follow; ${grouped(sync.pieceBytesAim)} are sent)`,
    `clashes than one turn names (${grouped(sync.turnClashesAim)} dots)`,
    `at most ${binary(model.valueBytesMax)} + ${binary(sync.messageBytesMax - model.valueBytesMax)}`,
    `version = ${sync.syncVersion}`,
    `salt:${sync.saltBytes}`,
    `at most ${grouped(sync.skippedMessagesMax)} times in a session`,
    `differences younger than ${seconds(sync.youngMs)} may end the session`,
    `younger than ${seconds(sync.youngMs)}: the floor goes back`,
    `at most ${sync.helloListingAim} entries`,
    `at most ${sync.listingAim} entries; at most ${2 * sync.listingAim} where the places of that depth hold ${sync.listingAim} or fewer`,
    `Beyond ${binary(sync.entryBytesAim)}, or ${grouped(sync.entryVersionsAim)} versions`,
    `more than ${grouped(model.versionsMax)} versions is sent in parts alone`,
    `more than ${grouped(sync.deltaLookedMax)} rows looked at`,
    `${seconds(sync.firstFrameTimeoutMs)} for the first frame, ${seconds(sync.progressTimeoutMs)} for any other`,
    `${spelt(sync.inboundSessionsPerPeerMax)} sessions of one peer at once`,
    `in all ${seconds(sync.peerWaitMs)} and what the bytes transferred earn at ${binary(sync.bytesPerSecondMin)}/s`,
    `${sync.treeTurnsMax} turns`,
    `at most ${grouped(sync.entryVersionsAim)} versions of each, without what they superseded, and without values of more than ${grouped(sync.comparedValueBytesMax)} bytes`,
    `fewer than ${sync.tableActorsMin} actors in it there is no table`,
    `all actors when they are few (${sync.tableListedActors})`,
    `Beyond ${grouped(sync.tableNodesAim)} prefixes in one message`,
    `At most ${sync.tableTurnsMax} messages`,
    `of up to ${model.actorLeafMax} actors`,
  ],
  'store/backup/SPEC.md': [
    `once it holds ${binary(backup.blockBytes)}`,
    `longer than 2^${Math.log2(backup.blockBytesMax + 1)} - 1 bytes`,
  ],
  'docs/PROTOCOL.md': [
    `\`${gossipTopic}\``,
    `\`${sync.syncProtocol.id}\``,
    `A leaf splits above ${roots.leafEntriesMax} entries`,
    `at most ${grouped(sync.skippedMessagesMax)} in one session`,
    `strictly ascending; at most ${shared.laterFieldsMax}`,
    `at most ${grouped(model.keyBytesMax)} bytes of key`,
    'first = 1 + gap, later last of the one before + 2 + gap',
    `at most 2^48 - 1 and ${grouped(model.logicalMax)}`,
  ],
  'docs/OPERATIONS.md': [
    `nest deeper than ${model.jsonDepthMax}`,
    `deeper than ${model.jsonDepthMax} levels`,
    `over ${binary(model.jsonMergeBytesMax)}`,
  ],
}

/** What looks like a limit: a number with a unit of time or size. */
const quantity = /(?<![\w.^])\d[\d,.]*(?: ms| s| KiB| MiB)(?:\/s)?(?!\w)/g
/** Not limits: what an example shows, and what a byte is worth. */
const examples = /^(?:1 ms|300 ms|512 ms)$/

describe('specifications', () => {
  it.each(Object.entries(claims))('%s says the numbers of the code', (path, sentences) => {
    const text = read(path)
    expect(sentences.filter((sentence) => !text.includes(sentence))).toEqual([])
  })

  it.each(Object.keys(claims).filter((path) => path.endsWith('SPEC.md')))(
    '%s gives no other times or sizes',
    (path) => {
      const known = claims[path]!.join(' ')
      const given = [...read(path).matchAll(quantity)].map(([found]) => found)
      expect(given.filter((found) => !known.includes(found) && !examples.test(found))).toEqual([])
    },
  )

  it.each(['number', 'ranges', 'deadline', 'address', 'time', 'update', 'updates', 'actors', 'fields'])(
    'define %s once, in PROTOCOL',
    (word) => {
      const definition = new RegExp(`^${word} += `, 'm')
      const defining = Object.keys(claims).filter((path) => definition.test(readFileSync(join(root, path), 'utf8')))
      expect(defining).toEqual(['docs/PROTOCOL.md'])
    },
  )

  it('the heartbeat knob says after how many intervals a peer is gone', () => {
    expect(membership.missedHeartbeatsMax).toBe(3.5)
    expect(knobs['heartbeat.interval'].about).toContain('three and a half intervals')
  })

  it('the layout says which rows have no checksum', () => {
    const layout = readFileSync(join(root, 'store/keyspace.ts'), 'utf8')
    const prefixes = [...layout.matchAll(/^ \* \| `(\w)` \|/gm)].map(([, prefix]) => prefix!)
    expect(prefixes).toHaveLength(rowKinds.length)
    const bare = prefixes.filter((prefix) => isSealed(Buffer.from(prefix), new Uint8Array(0)))
    expect(layout).toContain(`those of ${bare.map((prefix) => `\`${prefix}\``).join(' and ')}, which are empty`)
    expect(bare.map((prefix) => kindOfRow(Buffer.from(prefix)))).toEqual(['baseline', 'deadline'])
    expect(read('docs/ARCHITECTURE.md')).toContain('(baselines, deadlines)')
  })

  it('no list begins where a formatter took a plus sign for one', () => {
    for (const path of Object.keys(claims)) {
      expect(readFileSync(join(root, path), 'utf8')).not.toMatch(/\n\n- \d+\)/)
    }
  })
})
