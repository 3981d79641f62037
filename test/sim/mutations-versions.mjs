/**
 * Deliberate bugs in what becomes of single versions: siblings, deadlines, repeated requests, and whether what is
 * acknowledged is on the disk.
 */
import { one } from './mutation.mjs'

/** The simulator has a disk of its own, beneath which these bugs lie: system calls of a real daemon show them. */
const durability = { test: { file: 'test/faults/durability.test.ts', isBuilt: true } }

/**
 * Few copies of a running process issue the lesser of two values with a deadline, and few seeds find it gone: a test
 * makes two.
 */
const reissue = { test: { file: 'test/unit/reissue.test.ts', isBuilt: false } }

/** See mutations.mjs. */
export const versionMutations = [
  one(
    'level-unsynced',
    'the LevelDB adapter drops `sync`',
    'store/level.ts',
    'await this.#database.writeEncoded(changes, { sync })',
    'await this.#database.writeEncoded(changes, { sync: sync && false })',
    durability,
  ),
  one(
    'fsync-is-os',
    '`durability = "fsync"` is read as `"os"`',
    'daemon/node/stored-node.ts',
    "sync: settings.durability === 'fsync'",
    "sync: settings.durability !== 'fsync' && settings.durability !== 'os'",
    durability,
  ),
  one(
    'os-is-fsync',
    '`durability = "os"` is read as `"fsync"`',
    'daemon/node/stored-node.ts',
    "sync: settings.durability === 'fsync'",
    "sync: settings.durability === 'fsync' || settings.durability === 'os'",
    durability,
  ),
  one(
    'refused-united',
    'a union takes the dots of refused values along',
    'store/replica/context-rows.ts',
    'const news = theirs.minus(mine).minus(except)',
    'const news = theirs.minus(mine)',
  ),
  one(
    'part-joined-whole',
    'a part of an entry is joined as if it were the whole',
    'protocols/sync/core/inbound.ts',
    'const peer = { ...talk.theirs, seen: nothing, applied: nothing }',
    'const peer = message.part ? talk.theirs : { ...talk.theirs, seen: nothing, applied: nothing }',
  ),
  one(
    'unexpired-superseded',
    'a put supersedes siblings with a deadline before it has passed',
    'store/model/register.ts',
    'return versions.filter((version) => hasExpired(version, expiredByMs)).map((version) => version.dot)',
    'return versions.filter((version) => version.expiresAtMs !== null).map((version) => version.dot)',
  ),
  one(
    'retry-key-shared',
    'another request under a used retry key gets the answer of the first',
    'store/data/once.ts',
    'if (Buffer.compare(earlier.requestHash, retry!.requestHash) === 0) return',
    'if (earlier !== undefined) return',
  ),
  one(
    'unreadable-superseded',
    'an edit of a document supersedes the versions that it could not read',
    'store/data/documents.ts',
    'superseded: result.merged.map((at) => live[at]!.dot) }',
    'superseded: live.map(({ dot }) => dot) }',
  ),
  one(
    'expiry-takes-siblings',
    'a version that expired takes its siblings along',
    'store/replica/expiry.ts',
    "transaction.remove(address, [dot], 'expiry')",
    "transaction.remove(address, transaction.versions(address).map((version) => version.dot), 'expiry')",
  ),
  one(
    'deadline-lost',
    'what a peer sends loses its deadline',
    'store/model/join.ts',
    'return { dot, time, expiresAtMs, value, valueHash: hashed ?? valueHash(value) }',
    'return { dot, time, expiresAtMs: null, value, valueHash: hashed ?? valueHash(value) }',
  ),
  one(
    'retry-window-halved',
    'answers under retry keys are forgotten after half a day',
    'store/replica/retries.ts',
    'nowMs - this.#looks[0]!.atMs >= retryKeepMs)',
    'nowMs - this.#looks[0]!.atMs >= retryKeepMs / 2)',
  ),
  one(
    'retry-count-short',
    'fewer answers under retry keys are kept than promised',
    'store/replica/retries.ts',
    'const surplus = order.length - retryKeepCount',
    'const surplus = order.length - retryKeepCount + 1',
  ),
  {
    name: 'clash-loser-dropped',
    says: 'of two values under one dot the lesser one is dropped',
    edits: [
      {
        file: 'store/replica/effects.ts',
        find: 'if (update.value !== null && !contexts.applied.has(reissue.dot)) this.apply(batch, reissue, whole)',
        replace: '',
      },
      {
        file: 'store/replica/reissues.ts',
        find: 'const isNew = version !== undefined && !contexts.seen.has(name)',
        replace: 'const isNew = false as boolean',
      },
    ],
  },
  {
    name: 'reissue-without-deadline',
    says: 'a reissue loses its deadline',
    edits: [
      {
        file: 'store/model/reissue.ts',
        find: 'return { ...update, dot: reissueDot(dot, digest), supersedes',
        replace: 'return { ...update, expiresAtMs: null, dot: reissueDot(dot, digest), supersedes',
      },
      {
        file: 'store/replica/reissues.ts',
        find: '[...others, { ...version, dot: name }]',
        replace: '[...others, { ...version, dot: name, expiresAtMs: null }]',
      },
    ],
    ...reissue,
  },
]
