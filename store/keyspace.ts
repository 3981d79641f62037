/**
 * The on-disk layout, whole: every kind of row, its key and its value. A change here is a new format version and a named migration.
 *
 * | prefix | key | value |
 * | --- | --- | --- |
 * | `m` | name | `format`: the layout's version; `state`: counts, checksum, sequence, clock; `readers`: where the feed is held for them |
 * | `b` | actor, counter | a live baseline of a counter: it may go once all members know of it |
 * | `c` | actor | the actor's member, its seen ranges, its applied ranges |
 * | `d` | actor, counter | the dot row: at once dot index (of live dots) and update log |
 * | `e` | key, type, field | an entry of the users: its live versions |
 * | `f` | sequence | the change feed: which dot came when |
 * | `h` | actor, counter | the digest of what stood at a dot, once the log has nothing of it any more |
 * | `a` | member | what the member last acknowledged |
 * | `i` | retry key | the remembered answer of a retry-safe request |
 * | `j` | sequence | which retry key was remembered when (for pruning) |
 * | `x` | deadline, actor, counter | a live version that expires |
 * | `y` | key, type, field | an entry of the mesh itself |
 *
 * Numbers in keys are big-endian, so that byte order is their order. Every value ends with the CRC-32 of key and value, but for
 * those of `b` and `x`, which are empty.
 */
import { crc32 } from 'node:zlib'
import { HearsayError } from './errors.js'
import { type Address, isUserAddress, noField } from './model/address.js'
import { ByteReader, ByteWriter, DecodeError } from './model/bytes.js'
import type { HybridTime } from './model/clock.js'
import {
  type MemberTag,
  readAddress,
  readDigest,
  readDot,
  readDots,
  readExpiry,
  readNamedDots,
  readRanges,
  readTime,
  writeAddress,
  writeDigest,
  writeDot,
  writeExpiry,
  writeNamedDots,
  writeRanges,
  writeTime,
} from './model/codec.js'
import type { Ranges } from './model/context.js'
import { digestBytes } from './model/digest.js'
import { type Actor, actorBytes, type ContentDigest, contentDigestBytes, type Dot, type NamedDot } from './model/dot.js'
import { typeNumber, typeOf } from './model/types.js'
import type { UpdateKind, Version } from './model/update.js'

/** The version of this layout. */
export const formatVersion = 2

const numberBytes = 7
const checksumBytes = 4
/** Rows were written here and are checked by their sum: what is in them is read, however much it is. Only what travels has limits. */
const unlimited = Number.MAX_SAFE_INTEGER
const requestHashBytesMax = 64
const retryKeyBytesMax = 4096

const prefixes = {
  acknowledgement: 'a',
  baseline: 'b',
  context: 'c',
  dot: 'd',
  entry: 'e',
  feed: 'f',
  retry: 'i',
  retryOrder: 'j',
  meta: 'm',
  deadline: 'x',
  digest: 'h',
  system: 'y',
} as const

/** The kinds of rows. */
export type RowKind = keyof typeof prefixes

/** Whether an error tells of a row that cannot be read: its checksum fails, or LevelDB finds its block damaged. */
export function isDamage(error: unknown): boolean {
  return error instanceof DamagedRow || (error instanceof HearsayError && error.code === 'DAMAGED_VALUE')
}

/** The range of all rows of a kind. */
export function rangeOf(kind: RowKind): { gte: Buffer; lt: Buffer } {
  const first = prefixes[kind].charCodeAt(0)
  return { gte: Buffer.of(first), lt: Buffer.of(first + 1) }
}

/** The kind of a row; undefined when this layout has none with such a key. */
export function kindOfRow(key: Uint8Array): RowKind | undefined {
  return kindsByPrefix.get(key[0] ?? -1)
}

/** All kinds, in the order of their keys. */
export const rowKinds = (Object.keys(prefixes) as RowKind[]).sort((a, b) => (prefixes[a] < prefixes[b] ? -1 : 1))

/** Kinds of rows that say everything in their key: their value is empty, and has no checksum. */
const kindsWithoutValue: ReadonlySet<string | undefined> = new Set(['baseline', 'deadline'])

const kindsByPrefix = new Map(
  Object.entries(prefixes).map(([kind, prefix]) => [prefix.charCodeAt(0), kind as RowKind] as const),
)

/** Thrown for a row that fails its checksum or cannot be read: damage on the disk, never remote input. */
export class DamagedRow extends Error {
  override readonly name = 'DamagedRow'

  constructor(
    readonly key: Uint8Array,
    options?: ErrorOptions,
  ) {
    super(`row ${Buffer.from(key).toString('hex')} is damaged`, options)
  }
}

/** A row's value closed with its checksum. */
function seal(key: Uint8Array, writer: ByteWriter): Buffer {
  const body = writer.finish()
  return writer.u32(crc32(body, crc32(key))).finish()
}

/** Whether a row's checksum fits key and value. */
export function isSealed(key: Uint8Array, value: Uint8Array): boolean {
  if (kindsWithoutValue.has(kindOfRow(key))) return value.length === 0
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const end = bytes.length - checksumBytes
  return end >= 0 && bytes.readUInt32LE(end) === crc32(bytes.subarray(0, end), crc32(key))
}

/** Checks a row's checksum and reads its value. Throws DamagedRow. */
function unseal<T>(key: Uint8Array, value: Uint8Array, read: (reader: ByteReader) => T): T {
  if (!isSealed(key, value)) throw new DamagedRow(key)
  try {
    const reader = new ByteReader(value.subarray(0, value.length - checksumBytes))
    const result = read(reader)
    reader.end()
    return result
  } catch (error) {
    if (error instanceof DecodeError) throw new DamagedRow(key, { cause: error })
    throw error
  }
}

function numbered(kind: RowKind, value: number): Buffer {
  const key = Buffer.allocUnsafe(1 + numberBytes)
  key[0] = prefixes[kind].charCodeAt(0)
  writeNumber(key, value, 1)
  return key
}

function writeNumber(key: Buffer, value: number, at: number): void {
  key.writeUIntBE(Math.floor(value / 2 ** 32), at, 3)
  key.writeUInt32BE(value % 2 ** 32, at + 3)
}

function readNumber(key: Uint8Array, at: number): number {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  return bytes.readUIntBE(at, 3) * 2 ** 32 + bytes.readUInt32BE(at + 3)
}

// --- meta ---------------------------------------------------------------------------------------------------------

/** Counts, checksum, position and clock: moves with every batch. */
export interface StateRow {
  /** Live dots, and the two halves of the incremental checksum over them. */
  readonly liveDots: number
  readonly checksum: Checksum
  /** Live entries of the users alone. */
  readonly userEntries: number
  /** The last sequence given out. */
  readonly sequence: number
  /** The greatest sequence below which feed rows may be missing. */
  readonly feedFloor: number
  readonly clock: HybridTime
  /** Names this store's feed; another store's cursors are refused. */
  readonly feedId: string
  /** Bytes of log rows as they were counted by then; the scan at the start tells by how much the count is off. */
  readonly logBytes: number
}

/** An order-independent sum over the live dots: it tells accidents from intent, not attackers. */
export interface Checksum {
  readonly low: number
  readonly high: number
}

/** The checksum of nothing. */
export const emptyChecksum: Checksum = { low: 0, high: 0 }

/** The share of one live dot at an address, given both row keys. */
export function fingerprint(dotRowKey: Uint8Array, entryRowKey: Uint8Array): Checksum {
  const first = crc32(entryRowKey, crc32(dotRowKey))
  return { low: first, high: crc32(dotRowKey, (first ^ 0x5bd1e995) >>> 0) }
}

/** Adds (sign 1) or takes away (sign -1) a share, modulo 2^32 in both halves. */
export function shiftChecksum(sum: Checksum, share: Checksum, sign: 1 | -1): Checksum {
  return { low: (sum.low + sign * share.low) >>> 0, high: (sum.high + sign * share.high) >>> 0 }
}

const metaKey = (name: string): Buffer => Buffer.from(prefixes.meta + name)
/** The key of the layout's version. */
export const formatKey = metaKey('format')
/** The key of the state row. */
export const stateKey = metaKey('state')

/** Writes the layout's version. */
export function encodeFormat(version: number): Buffer {
  return seal(formatKey, new ByteWriter(8).varint(version))
}

/** Reads the layout's version. */
export function decodeFormat(value: Uint8Array): number {
  return unseal(formatKey, value, (reader) => reader.varint())
}

/** Writes the state row. */
export function encodeState(state: StateRow): Buffer {
  const writer = new ByteWriter(64).varint(state.liveDots).u32(state.checksum.low).u32(state.checksum.high)
  writer.varint(state.userEntries).varint(state.sequence).varint(state.feedFloor)
  writeTime(writer, state.clock)
  return seal(stateKey, writer.hex(state.feedId).varint(Math.max(0, state.logBytes)))
}

/** Reads the state row. */
export function decodeState(value: Uint8Array): StateRow {
  return unseal(stateKey, value, (reader) => ({
    liveDots: reader.varint(),
    checksum: { low: reader.u32(), high: reader.u32() },
    userEntries: reader.varint(),
    sequence: reader.varint(),
    feedFloor: reader.varint(),
    clock: readTime(reader),
    feedId: reader.hex(actorBytes),
    // Rows from before it was kept end here.
    logBytes: reader.left === 0 ? 0 : reader.varint(),
  }))
}

// --- contexts -----------------------------------------------------------------------------------------------------

/** What is known of one actor. */
export interface ContextRow {
  readonly member: MemberTag
  readonly seen: Ranges
  readonly applied: Ranges
}

/** The key of an actor's context row. */
export function contextKey(actor: Actor): Buffer {
  return Buffer.concat([Buffer.from(prefixes.context), Buffer.from(actor, 'hex')])
}

/** The actor of a context row. */
export function contextActor(key: Uint8Array): Actor {
  return Buffer.from(key.subarray(1)).toString('hex')
}

/** Writes an actor's context row. */
export function encodeContext(key: Uint8Array, row: ContextRow): Buffer {
  const writer = new ByteWriter(48).hex(row.member)
  writeRanges(writer, row.seen)
  writeRanges(writer, row.applied)
  return seal(key, writer)
}

/** Reads an actor's context row. */
export function decodeContext(key: Uint8Array, value: Uint8Array): ContextRow {
  return unseal(key, value, (reader) => ({
    member: reader.hex(actorBytes),
    seen: readRanges(reader, unlimited),
    applied: readRanges(reader, unlimited),
  }))
}

// --- dots ---------------------------------------------------------------------------------------------------------

/** What a dot row says of its dot. */
export type DotState =
  /** Its version is live: the row is the dot index, and the log. */
  | 'live'
  /** A delete, or a put whose version is gone: the row is the log alone. */
  | 'logged'
  /** Its own update has not come yet (hollow); the row only remembers what superseded it. */
  | 'stub'

/** At once dot index and update log. */
export interface DotRow {
  readonly state: DotState
  readonly kind: UpdateKind
  /** The dots that it superseded are not known (the row was rebuilt after damage, or came from such a row). */
  readonly bare: boolean
  /** Its position in the change feed; 0 for stubs. */
  readonly sequence: number
  readonly address: Address
  readonly time: HybridTime
  readonly expiresAtMs: number | null
  readonly supersedes: readonly NamedDot[]
  /** The digest of its content; undefined when it is not known (stubs), or in rows of format 1. */
  readonly digest?: ContentDigest | undefined
  /** An update that superseded it, when known. */
  readonly supersededBy: Dot | null
  /** The bytes of a put that is no longer live, kept for the change feed; null when live or not kept. */
  readonly value: Uint8Array | null
}

const states: readonly DotState[] = ['live', 'logged', 'stub']
const kinds: readonly UpdateKind[] = ['put', 'delete', 'expiry']
const bareFlag = 0x10
const supersededFlag = 0x20
const valueFlag = 0x40
/** The row has digests (format 2). */
const digestFlag = 0x80

/** The key of a dot row. */
export function dotKey(dot: Dot): Buffer {
  const key = Buffer.allocUnsafe(1 + actorBytes + numberBytes)
  key[0] = prefixes.dot.charCodeAt(0)
  key.write(dot.actor, 1, 'hex')
  writeNumber(key, dot.counter, 1 + actorBytes)
  return key
}

/** The dot of a dot row's key. */
export function dotOfKey(key: Uint8Array): Dot {
  return {
    actor: Buffer.from(key.subarray(1, 1 + actorBytes)).toString('hex'),
    counter: readNumber(key, 1 + actorBytes),
  }
}

/** Writes a dot row. */
export function encodeDotRow(key: Uint8Array, row: DotRow): Buffer {
  const flags =
    states.indexOf(row.state) |
    (kinds.indexOf(row.kind) << 2) |
    (row.bare ? bareFlag : 0) |
    (row.supersededBy === null ? 0 : supersededFlag) |
    (row.value === null ? 0 : valueFlag) |
    digestFlag
  const writer = new ByteWriter(96).u8(flags).varint(row.sequence)
  writeAddress(writer, row.address)
  writeTime(writer, row.time)
  writeExpiry(writer, row.expiresAtMs)
  writeNamedDots(writer, row.supersedes, unlimited)
  writeDigest(writer, row.digest)
  if (row.supersededBy !== null) writeDot(writer, row.supersededBy)
  if (row.value !== null) writer.bytes(row.value)
  return seal(key, writer)
}

/** Whether a dot row, as it is on the disk, says that its version is live. */
export function isLiveRow(value: Uint8Array): boolean {
  return (value[0]! & 0x03) === states.indexOf('live')
}

/** Reads a dot row. */
export function decodeDotRow(key: Uint8Array, value: Uint8Array): DotRow {
  return unseal(key, value, (reader) => {
    const flags = reader.u8()
    const state = states[flags & 0x03]
    const kind = kinds[(flags >> 2) & 0x03]
    if (state === undefined || kind === undefined) throw new DecodeError('unknown state of a dot')
    return {
      state,
      kind,
      bare: (flags & bareFlag) !== 0,
      sequence: reader.varint(),
      address: readAddress(reader),
      time: readTime(reader),
      expiresAtMs: readExpiry(reader),
      ...((flags & digestFlag) === 0
        ? { supersedes: readDots(reader, unlimited) }
        : { supersedes: readNamedDots(reader, unlimited), digest: readDigest(reader) }),
      supersededBy: (flags & supersededFlag) === 0 ? null : readDot(reader),
      value: (flags & valueFlag) === 0 ? null : reader.bytes(unlimited),
    }
  })
}

/** The key of the row that keeps a dot's digest. */
export function digestKey(dot: Dot): Buffer {
  const key = dotKey(dot)
  key[0] = prefixes.digest.charCodeAt(0)
  return key
}

/** The digest of what stood at a dot, and since when it is kept by itself, in milliseconds since 1970. */
export interface DigestRow {
  readonly digest: ContentDigest
  readonly keptSinceMs: number
}

/** Writes the row of a dot's digest. */
export function encodeDigest(key: Uint8Array, { digest, keptSinceMs }: DigestRow): Buffer {
  return seal(key, new ByteWriter(20).hex(digest).varint(keptSinceMs))
}

/** Reads the row of a dot's digest. */
export function decodeDigest(key: Uint8Array, value: Uint8Array): DigestRow {
  return unseal(key, value, (reader) => ({ digest: reader.hex(contentDigestBytes), keptSinceMs: reader.varint() }))
}

// --- entries ------------------------------------------------------------------------------------------------------

/** The key of an entry: the user's key escaped (00 becomes 00 FF, 00 01 ends it), so that rows stand in the order of keys. */
export function entryKey(address: Address): Buffer {
  const key = Buffer.from(address.key)
  const writer = new ByteWriter(key.length + address.field.length + 8)
  writer.u8((isUserAddress(address) ? prefixes.entry : prefixes.system).charCodeAt(0))
  for (let from = 0; ; ) {
    const zero = key.indexOf(0, from)
    writer.raw(key.subarray(from, zero < 0 ? key.length : zero))
    if (zero < 0) break
    writer.u8(0).u8(0xff)
    from = zero + 1
  }
  return writer.u8(0).u8(1).u8(typeNumber(address.type)).raw(address.field).finish()
}

/** The start of the rows of user keys with this prefix; `kind` chooses users' or system entries. */
export function entryPrefix(kind: 'entry' | 'system', keyPrefix: string): Buffer {
  const whole = entryKey({ key: keyPrefix, type: kind === 'entry' ? 'reg' : 'sys', field: noField })
  return whole.subarray(0, -3)
}

/** The first key after every row of a user key: where a listing goes on. */
export function entryKeyEnd(key: string): Buffer {
  const whole = Buffer.from(entryKey({ key, type: 'reg', field: noField }).subarray(0, -1))
  whole[whole.length - 1] = 2
  return whole
}

/** The first key after every row of this address's key and type: where the next type, or the next key, begins. */
export function entryTypeEnd({ key, type }: Address): Buffer {
  const first = Buffer.from(entryKey({ key, type, field: noField }))
  first[first.length - 1]!++
  return first
}

/** The address of an entry's key. Throws DamagedRow when it is none. */
export function entryAddress(rowKey: Uint8Array): Address {
  const row = Buffer.from(rowKey.buffer, rowKey.byteOffset, rowKey.byteLength)
  const parts: Buffer[] = []
  let from = 1
  for (;;) {
    const zero = row.indexOf(0, from)
    if (zero < 0 || zero + 2 > row.length) throw new DamagedRow(rowKey)
    parts.push(row.subarray(from, zero))
    from = zero + 2
    if (row[zero + 1] === 1) break
    parts.push(Buffer.of(0))
  }
  if (from === row.length) throw new DamagedRow(rowKey)
  const type = typeOf(row[from]!)
  const field = row.subarray(from + 1)
  return { key: Buffer.concat(parts).toString(), type, field: field.length === 0 ? noField : Uint8Array.from(field) }
}

/**
 * Writes the live versions of an entry, sorted by dot. An empty list marks an entry that was lost to damage: it is answered as
 * damaged, not as absent, until its fate has been learnt again.
 */
export function encodeVersions(key: Uint8Array, versions: readonly Version[]): Buffer {
  let size = 16
  for (const version of versions) size += 64 + version.value.length
  const writer = new ByteWriter(size).varint(versions.length)
  for (const version of versions) {
    writeDot(writer, version.dot)
    writeTime(writer, version.time)
    writeExpiry(writer, version.expiresAtMs)
    writer.raw(version.valueHash).bytes(version.value)
  }
  return seal(key, writer)
}

/** Reads the live versions of an entry. Values are views of the row. */
export function decodeVersions(key: Uint8Array, value: Uint8Array): Version[] {
  return unseal(key, value, (reader) => {
    const versions: Version[] = []
    for (let left = reader.count(unlimited, digestBytes + actorBytes); left > 0; left--) {
      versions.push({
        dot: readDot(reader),
        time: readTime(reader),
        expiresAtMs: readExpiry(reader),
        valueHash: reader.raw(digestBytes),
        value: reader.bytes(unlimited),
      })
    }
    return versions
  })
}

// --- feed, deadlines ----------------------------------------------------------------------------------------------

/** One row of the change feed. */
export type FeedRow =
  /** An update's arrival; its dot row says the rest. */
  | { readonly kind: 'update'; readonly dot: Dot }
  /** A removal learnt through the tree: the version's dot, and where its arrival stands (0: nowhere any more). */
  | {
      readonly kind: 'removal'
      readonly dot: Dot
      readonly address: Address
      readonly time: HybridTime
      readonly arrival: number
    }
  /** The arrival of a version that was so removed: its dot row is gone, and its bytes with it. */
  | { readonly kind: 'past'; readonly dot: Dot; readonly address: Address; readonly time: HybridTime }

/** The key of a feed row. */
export function feedKey(sequence: number): Buffer {
  return numbered('feed', sequence)
}

/** The sequence of a feed row. */
export function feedSequence(key: Uint8Array): number {
  return readNumber(key, 1)
}

/** Writes a feed row. */
export function encodeFeed(key: Uint8Array, row: FeedRow): Buffer {
  const writer = new ByteWriter(32)
  writeDot(writer, row.dot)
  if (row.kind === 'update') return seal(key, writer)
  writeAddress(writer, row.address)
  writeTime(writer, row.time)
  if (row.kind === 'removal') writer.varint(row.arrival)
  return seal(key, writer)
}

/** Reads a feed row. */
export function decodeFeed(key: Uint8Array, value: Uint8Array): FeedRow {
  return unseal(key, value, (reader) => {
    const dot = readDot(reader)
    if (reader.left === 0) return { kind: 'update', dot }
    const address = readAddress(reader)
    const time = readTime(reader)
    if (reader.left === 0) return { kind: 'past', dot, address, time }
    return { kind: 'removal', dot, address, time, arrival: reader.varint() }
  })
}

/** The key of the row that says from where on the feed is held for readers. */
export const feedHoldKey = metaKey('readers')

/** Writes from where on the feed is held. */
export function encodeFeedHold(sequence: number): Buffer {
  return seal(feedHoldKey, new ByteWriter(16).varint(sequence))
}

/** Reads from where on the feed is held. */
export function decodeFeedHold(value: Uint8Array): number {
  return unseal(feedHoldKey, value, (reader) => reader.varint())
}

/** The key of the row that says when a live version expires. */
export function deadlineKey(expiresAtMs: number, dot: Dot): Buffer {
  return Buffer.concat([numbered('deadline', expiresAtMs), dotKey(dot).subarray(1)])
}

/** The dot of a deadline row's key. */
export function deadlineDot(key: Uint8Array): Dot {
  return dotOfKey(key.subarray(numberBytes))
}

/** The end of the deadlines up to a moment, included. */
export function deadlinesUntil(nowMs: number): Buffer {
  return numbered('deadline', nowMs + 1)
}

/** The key of the row that marks a live baseline of a counter. */
export function baselineKey(dot: Dot): Buffer {
  const key = dotKey(dot)
  key[0] = prefixes.baseline.charCodeAt(0)
  return key
}

// --- acknowledgements ---------------------------------------------------------------------------------------------

/** What a member last acknowledged. */
export interface AcknowledgementRow {
  readonly ranges: ReadonlyMap<Actor, Ranges>
  /** Since when it misses updates, in milliseconds since 1970; 0: it does not. */
  readonly behindSinceMs: number
}

/** The key of a member's acknowledgement. */
export function acknowledgementKey(member: MemberTag): Buffer {
  return Buffer.concat([Buffer.from(prefixes.acknowledgement), Buffer.from(member, 'hex')])
}

/** The member of an acknowledgement's key. */
export function acknowledgementMember(key: Uint8Array): MemberTag {
  return Buffer.from(key.subarray(1)).toString('hex')
}

/** Writes a member's acknowledgement. */
export function encodeAcknowledgement(key: Uint8Array, row: AcknowledgementRow): Buffer {
  const writer = new ByteWriter(64).varint(row.behindSinceMs).varint(row.ranges.size)
  for (const actor of [...row.ranges.keys()].sort()) {
    writer.hex(actor)
    writeRanges(writer, row.ranges.get(actor)!)
  }
  return seal(key, writer)
}

/** Reads a member's acknowledgement. */
export function decodeAcknowledgement(key: Uint8Array, value: Uint8Array): AcknowledgementRow {
  return unseal(key, value, (reader) => {
    const behindSinceMs = reader.varint()
    const ranges = new Map<Actor, Ranges>()
    for (let left = reader.count(unlimited, actorBytes + 1); left > 0; left--) {
      ranges.set(reader.hex(actorBytes), readRanges(reader, unlimited))
    }
    return { ranges, behindSinceMs }
  })
}

// --- retry-safe requests ------------------------------------------------------------------------------------------

/** The remembered answer of a retry-safe request. */
export interface RetryRow {
  readonly requestHash: Uint8Array
  readonly answer: Uint8Array
  readonly atMs: number
}

/** The key of a remembered answer. */
export function retryKeyRow(retryKey: string): Buffer {
  return Buffer.from(prefixes.retry + retryKey)
}

/** Writes a remembered answer. */
export function encodeRetry(key: Uint8Array, row: RetryRow): Buffer {
  return seal(key, new ByteWriter(128).varint(row.atMs).bytes(row.requestHash, requestHashBytesMax).bytes(row.answer))
}

/** Reads a remembered answer. */
export function decodeRetry(key: Uint8Array, value: Uint8Array): RetryRow {
  return unseal(key, value, (reader) => ({
    atMs: reader.varint(),
    requestHash: reader.bytes(requestHashBytesMax),
    answer: reader.bytes(unlimited),
  }))
}

/** The key of the row that remembers when a retry key was used; the value is that key. */
export function retryOrderKey(sequence: number): Buffer {
  return numbered('retryOrder', sequence)
}

/** Writes which retry key was used. */
export function encodeRetryOrder(key: Uint8Array, retryKey: string, atMs: number): Buffer {
  return seal(key, new ByteWriter(64).varint(atMs).text(retryKey, retryKeyBytesMax))
}

/** Reads which retry key was used when. */
export function decodeRetryOrder(key: Uint8Array, value: Uint8Array): { retryKey: string; atMs: number } {
  return unseal(key, value, (reader) => ({ atMs: reader.varint(), retryKey: reader.text(retryKeyBytesMax) }))
}
