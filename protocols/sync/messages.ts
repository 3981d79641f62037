/** The messages of a sync session and their codec: strict, bounded, canonical. SPEC.md gives the grammar. */

import type { Address } from '../../store/model/address.js'
import { ByteReader, ByteWriter, DecodeError } from '../../store/model/bytes.js'
import {
  ActorTable,
  type MemberOf,
  readActorTable,
  readAddress,
  readTableDots,
  readUpdates,
  type TaggedUpdates,
  unknownMember,
  writeAddress,
  writeUpdates,
} from '../../store/model/codec.js'
import type { NamedDot } from '../../store/model/dot.js'
import { digestBytes, fanout, saltedDigestBytes } from '../../store/model/roots.js'
import { fieldsAtEnd } from '../later.js'
import { type CapturePatch, readActors, readCapture, writeActors, writeCapture } from './core/captures.js'
import type { TableMessage, TableNode } from './core/tables.js'
import { readEntries, type TaggedEntries, writeEntries } from './entries.js'
import {
  clashesMax,
  digestsMax,
  listingEntriesMax,
  messageBytesMax,
  saltBytes,
  syncVersion,
  tableDigestBytes,
  tableNodesMax,
  treeNodesMax,
  valuesMax,
  wantsMax,
} from './limits.js'

/** Reasons for which a session is refused. */
export const busyReasons = ['bulk', 'crossed', 'unverified', 'stranger', 'version', 'closing'] as const

/** One of the reasons. */
export type BusyReason = (typeof busyReasons)[number]

/** A reason that only a later version knows. */
const laterReason = 'another reason'
const laterReasonNumber = 255
const noBytes = new Uint8Array(0)

/** A node below one differing prefix: the salted digests of its 16 children, or those of all of its entries. */
export interface TreeNode {
  readonly kind: 'digests' | 'listing'
  /** 8 bytes each. */
  readonly digests: Uint8Array
}

/**
 * An address at which the sender of a message knows other contents under some dots that the receiver has live there.
 */
export interface ClashingDots {
  readonly address: Address
  /** Dots with the digests of the contents that the sender knows. */
  readonly dots: readonly NamedDot[]
}

/** One message of a session. */
export type Message =
  | {
      readonly type: 'open'
      /**
       * True from the initiator if young differences may end the session. True from the responder if all that the
       * initiator lacks is young: nothing is sent, and the floor goes back.
       */
      readonly young: boolean
      readonly salt: Uint8Array
      readonly capture: CapturePatch
      /**
       * Present in a session that compares and changes nothing, from both sides. A responder that does not know the
       * field leaves it out: then the initiator breaks off.
       */
      readonly compares?: true
      /**
       * The digest of the table that the initiator's first capture is a patch on; from the responder, of the one that
       * it found. None: nothing.
       */
      readonly table?: Uint8Array | undefined
    }
  | { readonly type: 'busy'; readonly reason: BusyReason | typeof laterReason }
  | { readonly type: 'equal'; readonly capture: CapturePatch; readonly table?: Uint8Array | undefined }
  /** Part of a swap of tables; without anything in it: the initiator is to send its contexts whole. */
  | ({ readonly type: 'table' } & TableMessage)
  | { readonly type: 'young'; readonly capture: CapturePatch }
  | { readonly type: 'delta'; readonly updates: TaggedUpdates }
  /** Digests of contents whose updates the log does not keep any more; sorted by dot. */
  | { readonly type: 'digests'; readonly dots: readonly NamedDot[] }
  | { readonly type: 'deltaEnd'; readonly unlisted: number }
  | {
      readonly type: 'check'
      readonly capture: CapturePatch
      /** True if the first nodes of a descent follow in the same turn. */
      readonly descends: boolean
    }
  | {
      readonly type: 'tree'
      /**
       * Masks, one for each of the peer's blocks of 16 digests, in order: a bit for each child that differs here,
       * lowest child first.
       */
      readonly answers: readonly number[]
      /** The sender's nodes for the children that differ, in order. */
      readonly nodes: readonly TreeNode[]
    }
  | { readonly type: 'wants'; readonly positions: readonly number[] }
  | { readonly type: 'entries'; readonly part: boolean; readonly entries: TaggedEntries }
  | { readonly type: 'values'; readonly addresses: readonly Address[] }
  /**
   * Dots under which the sender knows another content than it was shown, or which it has live: nothing of that was
   * removed.
   */
  | {
      readonly type: 'clashes'
      /** True if not all could be named: the receiver removes nothing that it showed. */
      readonly more: boolean
      readonly clashes: readonly ClashingDots[]
    }
  | {
      readonly type: 'end'
      /** True if something in this turn needs an answer. */
      readonly expecting: boolean
    }

/** Thrown for an opening message of another version. */
export class UnknownVersion extends DecodeError {}

const codes: Readonly<Record<Message['type'], number>> = {
  open: 1,
  busy: 2,
  equal: 3,
  young: 4,
  delta: 5,
  deltaEnd: 6,
  check: 7,
  tree: 8,
  wants: 9,
  entries: 10,
  values: 11,
  end: 12,
  digests: 13,
  clashes: 14,
  table: 15,
}
/** The greatest type of a message that this version knows. */
export const lastMessageCode = Math.max(...Object.values(codes))
/** The number of the field at the end of `open` that says that the session compares alone. */
const comparesField = 1
const typesByCode = new Map(Object.entries(codes).map(([type, code]) => [code, type as Message['type']]))

/** Writes a message. `memberOf` tags the actors named in it. Throws a RangeError for one that no reader takes. */
export function encodeMessage(message: Message, memberOf: MemberOf): Buffer {
  const writer = new ByteWriter().u8(codes[message.type])
  switch (message.type) {
    case 'open':
      writer.u8(syncVersion).u8(flag(message.young)).raw(message.salt)
      writeCapture(writer, message.capture)
      if (message.compares === true) writer.varint(comparesField).bytes(noBytes)
      writeTableField(writer, message.table)
      break
    case 'equal':
      writeCapture(writer, message.capture)
      writeTableField(writer, message.table)
      break
    case 'young':
      writeCapture(writer, message.capture)
      break
    case 'table':
      writeTable(writer, message)
      break
    case 'check':
      writer.u8(flag(message.descends))
      writeCapture(writer, message.capture)
      break
    case 'busy':
      writer.u8(reasonNumber(message.reason))
      break
    case 'delta':
      writeUpdates(writer, message.updates.updates, memberOf)
      break
    case 'digests': {
      if (message.dots.length > digestsMax) throw new RangeError(`${message.dots.length} digests in one message`)
      const table = tableOf(message.dots)
      table.write(writer, memberOf)
      table.writeNamedDots(writer, message.dots, digestsMax)
      break
    }
    case 'deltaEnd':
      writer.varint(message.unlisted)
      break
    case 'tree':
      writeTree(writer, message.answers, message.nodes)
      break
    case 'wants':
      writePositions(writer, message.positions)
      break
    case 'entries':
      writer.u8(flag(message.part))
      writeEntries(writer, message.entries.entries, memberOf)
      break
    case 'values':
      writer.varint(message.addresses.length, valuesMax)
      for (const address of message.addresses) writeAddress(writer, address)
      break
    case 'clashes': {
      writer.u8(flag(message.more))
      const table = tableOf(message.clashes.flatMap(({ dots }) => dots))
      table.write(writer, () => unknownMember)
      writer.varint(message.clashes.length, clashesMax)
      for (const { address, dots } of message.clashes) {
        writeAddress(writer, address)
        table.writeNamedDots(writer, dots)
      }
      break
    }
    case 'end':
      writer.u8(flag(message.expecting))
      break
  }
  if (writer.length > messageBytesMax) throw new RangeError(`a message ${message.type} of ${writer.length} bytes`)
  return writer.finish()
}

/** Reads a message. Throws a DecodeError for anything that encodeMessage does not write, and UnknownVersion. */
export function decodeMessage(bytes: Uint8Array): Message {
  const reader = new ByteReader(bytes)
  const type = typesByCode.get(reader.u8())
  if (type === undefined) throw new DecodeError('unknown type of message')
  const message = readBody(reader, type)
  const fields = fieldsAtEnd(reader)
  const table = fields.get(tableField)
  const named = table !== undefined && (type === 'open' || type === 'equal') ? { table: tableNamed(table) } : {}
  const compares = type === 'open' && fields.has(comparesField) ? { compares: true } : {}
  return { ...message, ...compares, ...named } as Message
}

function readBody(reader: ByteReader, type: Message['type']): Message {
  switch (type) {
    case 'open': {
      const version = reader.u8()
      if (version !== syncVersion) throw new UnknownVersion(`version ${version} of the sync protocol`)
      const young = readFlag(reader)
      const salt = Uint8Array.from(reader.raw(saltBytes))
      return { type, young, salt, capture: readCapture(reader) }
    }
    case 'equal':
    case 'young':
      return { type, capture: readCapture(reader) }
    case 'check': {
      const descends = readFlag(reader)
      return { type, descends, capture: readCapture(reader) }
    }
    case 'table':
      return { type, ...readTable(reader) }
    case 'busy':
      return { type, reason: busyReasons[reader.u8()] ?? laterReason }
    case 'delta':
      return { type, updates: readUpdates(reader) }
    case 'deltaEnd':
      return { type, unlisted: reader.varint() }
    case 'tree':
      return { type, ...readTree(reader) }
    case 'wants':
      return { type, positions: readPositions(reader) }
    case 'entries': {
      const part = readFlag(reader)
      return { type, part, entries: readEntries(reader) }
    }
    case 'values': {
      const addresses: Address[] = []
      for (let left = reader.count(valuesMax, 4); left > 0; left--) addresses.push(readAddress(reader))
      return { type, addresses }
    }
    case 'digests':
      return { type, dots: readTableDots(reader, readActorTable(reader).actors, digestsMax) }
    case 'clashes': {
      const more = readFlag(reader)
      const { actors } = readActorTable(reader)
      const clashes: ClashingDots[] = []
      for (let left = reader.count(clashesMax, 5); left > 0; left--) {
        clashes.push({ address: readAddress(reader), dots: readTableDots(reader, actors) })
      }
      return { type, more, clashes }
    }
    case 'end':
      return { type, expecting: readFlag(reader) }
  }
}

function reasonNumber(reason: BusyReason | typeof laterReason): number {
  return reason === laterReason ? laterReasonNumber : busyReasons.indexOf(reason)
}

function tableOf(dots: readonly NamedDot[]): ActorTable {
  const table = new ActorTable()
  for (const { actor } of dots) table.add(actor)
  return table
}

function flag(value: boolean): number {
  return value ? 1 : 0
}

function readFlag(reader: ByteReader): boolean {
  const value = reader.u8()
  if (value > 1) throw new DecodeError('bad flag')
  return value === 1
}

/** The field at the end of `open` and `equal` that names a table. */
const tableField = 2

function writeTableField(writer: ByteWriter, table: Uint8Array | undefined): void {
  if (table !== undefined) writer.varint(tableField).bytes(table)
}

function tableNamed(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== digestBytes) throw new DecodeError('not the digest of a table')
  return Uint8Array.from(bytes)
}

/** Answers, then nodes: 0 and 16 digests, or the count plus one and actors; then actors. */
function writeTable(writer: ByteWriter, { answers, nodes, actors }: TableMessage): void {
  writeAnswers(writer, answers, tableNodesMax)
  writer.varint(nodes.length, tableNodesMax)
  for (const node of nodes) {
    writer.u8(node.kind === 'digests' ? 0 : 1)
    if (node.kind === 'digests') writer.raw(node.digests)
    else writeActors(writer, node.actors)
  }
  writeActors(writer, actors)
}

function readTable(reader: ByteReader): TableMessage {
  const answers = readAnswers(reader, tableNodesMax)
  const nodes: TableNode[] = []
  for (let left = reader.count(tableNodesMax, 2); left > 0; left--) {
    nodes.push(
      readFlag(reader)
        ? { kind: 'listing', actors: readActors(reader) }
        : { kind: 'digests', digests: Uint8Array.from(reader.raw(fanout * tableDigestBytes)) },
    )
  }
  return { answers, nodes, actors: readActors(reader) }
}

function writeAnswers(writer: ByteWriter, answers: readonly number[], max: number): void {
  writer.varint(answers.length, max)
  for (const answer of answers) writer.u8(answer & 0xff).u8(answer >> 8)
}

function readAnswers(reader: ByteReader, max: number): number[] {
  const answers: number[] = []
  for (let left = reader.count(max, 2); left > 0; left--) answers.push(reader.u8() | (reader.u8() << 8))
  return answers
}

const blockBytes = 16 * saltedDigestBytes

/** Answers, then nodes: 0 and 16 digests, or the count plus one and the digests of a listing. */
function writeTree(writer: ByteWriter, answers: readonly number[], nodes: readonly TreeNode[]): void {
  writeAnswers(writer, answers, treeNodesMax)
  writer.varint(nodes.length, treeNodesMax)
  for (const { kind, digests } of nodes) {
    const count = kind === 'digests' ? 0 : digests.length / saltedDigestBytes + 1
    writer.varint(count, listingEntriesMax + 1).raw(digests)
  }
}

function readTree(reader: ByteReader): { answers: number[]; nodes: TreeNode[] } {
  const answers = readAnswers(reader, treeNodesMax)
  const nodes: TreeNode[] = []
  for (let left = reader.count(treeNodesMax, 1); left > 0; left--) nodes.push(readNode(reader))
  return { answers, nodes }
}

function readNode(reader: ByteReader): TreeNode {
  const count = reader.varint(listingEntriesMax + 1)
  if (count === 0) return { kind: 'digests', digests: reader.raw(blockBytes) }
  return { kind: 'listing', digests: reader.raw((count - 1) * saltedDigestBytes) }
}

/** Positions in ascending order, each as its distance from the one before. */
function writePositions(writer: ByteWriter, positions: readonly number[]): void {
  writer.varint(positions.length, wantsMax)
  let next = 0
  for (const position of positions) {
    writer.varint(position - next)
    next = position + 1
  }
}

function readPositions(reader: ByteReader): number[] {
  const positions: number[] = []
  let next = 0
  for (let left = reader.count(wantsMax); left > 0; left--) {
    const position = next + reader.varint()
    positions.push(position)
    next = position + 1
  }
  return positions
}
