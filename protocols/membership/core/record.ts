/** The records of members as they are stored: canonical bytes, strict to read, and how concurrent ones are merged. */
import { type Address, systemAddress } from '../../../store/model/address.js'
import { ByteReader, ByteWriter, DecodeError } from '../../../store/model/bytes.js'
import { compareTimes } from '../../../store/model/clock.js'
import type { MemberTag } from '../../../store/model/codec.js'
import { sha256 } from '../../../store/model/digest.js'
import { compareDots } from '../../../store/model/dot.js'
import type { Version } from '../../../store/model/update.js'
import { endMessage } from '../../later.js'
import type { PeerId } from '../../network.js'
import {
  addressBytesMax,
  addressesAim,
  addressesMax,
  nameBytesMax,
  peerBytesMax,
  recordBytesMax,
  ruleMarkBytes,
  rulePrefixBytesMax,
  rulesMax,
  versionBytesMax,
} from '../limits.js'
import type { RuleMark } from './rules.js'

/** A node's record of itself. */
export interface MemberRecord {
  readonly name: string
  readonly peer: PeerId
  /** Multiaddrs it can be reached at; sorted, each once. */
  readonly addresses: readonly string[]
  /** The version of its software. */
  readonly version: string
  /** Rules by which it settles conflicts; sorted by prefix, each once. None: it leaves all siblings as they are. */
  readonly rules?: readonly RuleMark[]
  /** True if it reads folds of counters; a build from before there were any says nothing. */
  readonly readsFolds?: boolean
}

/** Retires a member for good. */
export interface ForgottenRecord {
  readonly peer: PeerId
  /** The name it had, so that its writes can still be named. */
  readonly name: string
}

/** The key prefixes of both kinds of records. */
export const memberPrefix = 'member/'
export const forgottenPrefix = 'forgotten/'

/** A record without rules is written as it was before there were any. */
const recordVersion = 1
const recordVersionWithRules = 2
/**
 * Mark behind the version of the software, as build metadata of Semantic Versioning, of a node that reads folds. The
 * first builds read no fields at the end of a record, but take any version for a text.
 */
const foldsMark = '+folds'

/** Address of a member's record. */
export function memberAddress(peer: PeerId): Address {
  return systemAddress(memberPrefix + peer)
}

/** Address of the record that a member is forgotten. */
export function forgottenAddress(peer: PeerId): Address {
  return systemAddress(forgottenPrefix + peer)
}

/** The tag of a member: the first 8 bytes of the SHA-256 of its peer id's text form, as hexadecimal digits. */
export function memberTag(peer: PeerId): MemberTag {
  return sha256(Buffer.from(peer)).toString('hex', 0, 8)
}

/** The canonical bytes of a record. Addresses are sorted, and cut to the limits; rules are so already. */
export function encodeRecord(record: MemberRecord): Buffer {
  const addresses = normalizedAddresses(record.addresses)
  const rules = record.rules ?? []
  const version = rules.length > 0 ? recordVersionWithRules : recordVersion
  const software = record.readsFolds === true ? record.version + foldsMark : record.version
  const writer = new ByteWriter().u8(version).text(record.name).text(record.peer).text(software, versionBytesMax)
  writer.varint(addresses.length)
  for (const address of addresses) writer.text(address)
  if (rules.length > 0) writer.varint(rules.length)
  for (const { prefix, mark } of rules) writer.text(prefix).hex(mark)
  return writer.finish()
}

/** Reads a record. Throws a DecodeError for anything else. */
export function decodeRecord(bytes: Uint8Array): MemberRecord {
  const { reader, format } = start(bytes, recordVersionWithRules)
  const name = reader.text(nameBytesMax)
  const peer = reader.text(peerBytesMax)
  const software = reader.text(versionBytesMax)
  const addresses: string[] = []
  for (let left = reader.count(addressesMax); left > 0; left--) addresses.push(reader.text(addressBytesMax))
  const rules = format === recordVersionWithRules ? readRules(reader) : []
  endMessage(reader)
  if (peer.length === 0) throw new DecodeError('a record without a peer id')
  if (addresses.some((address, at) => at > 0 && addresses[at - 1]! >= address)) {
    throw new DecodeError('addresses not strictly ascending')
  }
  const readsFolds = software.endsWith(foldsMark)
  const version = readsFolds ? software.slice(0, -foldsMark.length) : software
  return {
    ...{ name, peer, addresses, version },
    ...(rules.length === 0 ? {} : { rules }),
    ...(readsFolds && { readsFolds }),
  }
}

function readRules(reader: ByteReader): RuleMark[] {
  const rules: RuleMark[] = []
  for (let left = reader.count(rulesMax, 1 + ruleMarkBytes); left > 0; left--) {
    rules.push({ prefix: reader.text(rulePrefixBytesMax), mark: reader.hex(ruleMarkBytes) })
  }
  if (rules.length === 0) throw new DecodeError('a record with rules that has none')
  if (rules.some(({ prefix }, at) => at > 0 && rules[at - 1]!.prefix >= prefix)) {
    throw new DecodeError('prefixes not strictly ascending')
  }
  return rules
}

/** The canonical bytes of the record of a forgotten member. */
export function encodeForgotten(record: ForgottenRecord): Buffer {
  return new ByteWriter().u8(recordVersion).text(record.peer).text(record.name).finish()
}

/** Reads the record of a forgotten member. Throws a DecodeError for anything else. */
export function decodeForgotten(bytes: Uint8Array): ForgottenRecord {
  const { reader } = start(bytes, recordVersion)
  const peer = reader.text(peerBytesMax)
  const name = reader.text(nameBytesMax)
  endMessage(reader)
  if (peer.length === 0) throw new DecodeError('a record without a peer id')
  return { peer, name }
}

/**
 * The one record that concurrent versions make, the same on every node: name, version and rules of the latest by (time,
 * dot), and the addresses of all. Versions that are no record of this peer are left out; undefined when none is left. A
 * record that only a later version understands still makes its peer a member, under its id.
 */
export function mergeRecords(peer: PeerId, versions: readonly Version[]): MemberRecord | undefined {
  const records = byTime(versions).flatMap((version) => {
    const record = readable(() => decodeRecord(version.value))
    return record?.peer === peer ? [record] : []
  })
  const latest = records[0]
  if (latest === undefined && versions.some(({ value }) => isLaterRecord(value))) {
    return { name: peer, peer, addresses: [], version: '' }
  }
  return latest && { ...latest, addresses: normalizedAddresses(records.flatMap((record) => record.addresses)) }
}

function isLaterRecord(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes[0]! > recordVersionWithRules
}

/**
 * The name under which a member was forgotten. The mere presence of a record forgets, so that even an unreadable one
 * does.
 */
export function mergeForgotten(peer: PeerId, versions: readonly Version[]): ForgottenRecord {
  const records = byTime(versions).flatMap((version) => readable(() => decodeForgotten(version.value)) ?? [])
  return { peer, name: records[0]?.name ?? peer }
}

/** Sorts addresses, each once, as many and as long as the limits allow. */
export function normalizedAddresses(addresses: readonly string[]): string[] {
  const fitting = addresses.filter((address) => address.length > 0 && Buffer.byteLength(address) <= addressBytesMax)
  return [...new Set(fitting)].sort().slice(0, addressesAim)
}

function start(bytes: Uint8Array, formatMax: number): { reader: ByteReader; format: number } {
  if (bytes.length > recordBytesMax) throw new DecodeError('record over the limit')
  const reader = new ByteReader(bytes)
  const format = reader.u8()
  if (format < recordVersion || format > formatMax) throw new DecodeError('unknown version of a record')
  return { reader, format }
}

function byTime(versions: readonly Version[]): Version[] {
  return versions.slice().sort((a, b) => compareTimes(b.time, a.time) || compareDots(b.dot, a.dot))
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
