/** The codec of the messages of a sync session: strict, bounded, canonical. SPEC.md gives the grammar. */

import type { Address } from '../../store/model/address.js'
import { ByteReader, ByteWriter, DecodeError } from '../../store/model/bytes.js'
import {
  ActorTable,
  type MemberOf,
  readActorTable,
  readAddress,
  readTableDots,
  readUpdates,
  unknownMember,
  writeAddress,
  writeUpdates,
} from '../../store/model/codec.js'
import type { NamedDot } from '../../store/model/dot.js'
import { digestBytes } from '../../store/model/roots.js'
import { fieldsAtEnd } from '../later.js'
import { readCapture, writeCapture } from './core/captures.js'
import { readEntries, writeEntries } from './entries.js'
import { clashesMax, digestsMax, messageBytesMax, saltBytes, syncVersion, valuesMax } from './limits.js'
import { type BusyReason, busyReasons, type ClashingDots, laterReason, type Message } from './messages.js'
import {
  readFlag,
  readPositions,
  readTableNodes,
  readTreeNodes,
  writeFlag,
  writePositions,
  writeTableNodes,
  writeTreeNodes,
} from './parts.js'

/** Thrown for an opening message of another version. */
export class UnknownVersion extends DecodeError {}

type Fields = ReadonlyMap<number, Uint8Array>

/** The form of one type of message on the wire, behind the byte that is its code. */
interface Format<One extends Message> {
  readonly code: number
  write(writer: ByteWriter, message: One, memberOf: MemberOf): void
  /** Reads what stands before the fields at the end, in the order in which it was written. */
  read(reader: ByteReader): Omit<One, 'type'>
  /** Takes what this version knows from the fields at the end. */
  readFields?(fields: Fields): Partial<One>
}

const laterReasonNumber = 255
/** The field at the end of `open` that says that the session compares alone. */
const comparesField = 1
/** The field at the end of `open` and `equal` that names a table. */
const tableField = 2
const noBytes = new Uint8Array(0)

const formats: { readonly [Type in Message['type']]: Format<Extract<Message, { type: Type }>> } = {
  open: {
    code: 1,
    write(writer, message) {
      writer.u8(syncVersion)
      writeFlag(writer, message.young)
      writer.raw(message.salt)
      writeCapture(writer, message.capture)
      if (message.compares === true) writer.varint(comparesField).bytes(noBytes)
      writeTableField(writer, message.table)
    },
    read(reader) {
      const version = reader.u8()
      if (version !== syncVersion) throw new UnknownVersion(`version ${version} of the sync protocol`)
      const young = readFlag(reader)
      return { young, salt: Uint8Array.from(reader.raw(saltBytes)), capture: readCapture(reader) }
    },
    readFields: (fields) => ({ ...(fields.has(comparesField) ? { compares: true } : {}), ...readTableField(fields) }),
  },
  busy: {
    code: 2,
    write: (writer, { reason }) => writer.u8(reasonNumber(reason)),
    read: (reader) => ({ reason: busyReasons[reader.u8()] ?? laterReason }),
  },
  equal: {
    code: 3,
    write(writer, { capture, table }) {
      writeCapture(writer, capture)
      writeTableField(writer, table)
    },
    read: (reader) => ({ capture: readCapture(reader) }),
    readFields: readTableField,
  },
  young: {
    code: 4,
    write: (writer, { capture }) => writeCapture(writer, capture),
    read: (reader) => ({ capture: readCapture(reader) }),
  },
  delta: {
    code: 5,
    write: (writer, { updates }, memberOf) => writeUpdates(writer, updates.updates, memberOf),
    read: (reader) => ({ updates: readUpdates(reader) }),
  },
  deltaEnd: {
    code: 6,
    write: (writer, { unlisted }) => writer.varint(unlisted),
    read: (reader) => ({ unlisted: reader.varint() }),
  },
  check: {
    code: 7,
    write(writer, { descends, capture }) {
      writeFlag(writer, descends)
      writeCapture(writer, capture)
    },
    read: (reader) => ({ descends: readFlag(reader), capture: readCapture(reader) }),
  },
  tree: {
    code: 8,
    write: (writer, { answers, nodes }) => writeTreeNodes(writer, answers, nodes),
    read: readTreeNodes,
  },
  wants: {
    code: 9,
    write: (writer, { positions }) => writePositions(writer, positions),
    read: (reader) => ({ positions: readPositions(reader) }),
  },
  entries: {
    code: 10,
    write(writer, { part, entries }, memberOf) {
      writeFlag(writer, part)
      writeEntries(writer, entries.entries, memberOf)
    },
    read: (reader) => ({ part: readFlag(reader), entries: readEntries(reader) }),
  },
  values: {
    code: 11,
    write(writer, { addresses }) {
      writer.varint(addresses.length, valuesMax)
      for (const address of addresses) writeAddress(writer, address)
    },
    read(reader) {
      const addresses: Address[] = []
      for (let left = reader.count(valuesMax, 4); left > 0; left--) addresses.push(readAddress(reader))
      return { addresses }
    },
  },
  end: {
    code: 12,
    write: (writer, { expecting }) => writeFlag(writer, expecting),
    read: (reader) => ({ expecting: readFlag(reader) }),
  },
  digests: {
    code: 13,
    write(writer, { dots }, memberOf) {
      if (dots.length > digestsMax) throw new RangeError(`${dots.length} digests in one message`)
      const table = tableOf(dots)
      table.write(writer, memberOf)
      table.writeNamedDots(writer, dots, digestsMax)
    },
    read: (reader) => ({ dots: readTableDots(reader, readActorTable(reader).actors, digestsMax) }),
  },
  clashes: {
    code: 14,
    write(writer, { more, clashes }) {
      writeFlag(writer, more)
      const table = tableOf(clashes.flatMap(({ dots }) => dots))
      table.write(writer, () => unknownMember)
      writer.varint(clashes.length, clashesMax)
      for (const { address, dots } of clashes) {
        writeAddress(writer, address)
        table.writeNamedDots(writer, dots)
      }
    },
    read(reader) {
      const more = readFlag(reader)
      const { actors } = readActorTable(reader)
      const clashes: ClashingDots[] = []
      for (let left = reader.count(clashesMax, 5); left > 0; left--) {
        clashes.push({ address: readAddress(reader), dots: readTableDots(reader, actors) })
      }
      return { more, clashes }
    },
  },
  table: {
    code: 15,
    write: (writer, message) => writeTableNodes(writer, message),
    read: readTableNodes,
  },
}

const typesByCode = new Map(Object.entries(formats).map(([type, { code }]) => [code, type as Message['type']]))
/** The greatest code of a message that this version knows. */
export const lastMessageCode = Math.max(...typesByCode.keys())

/** Writes a message. `memberOf` tags the actors named in it. Throws a RangeError for one that no reader takes. */
export function encodeMessage(message: Message, memberOf: MemberOf): Buffer {
  const { code, write } = formatOf(message.type)
  const writer = new ByteWriter().u8(code)
  write(writer, message, memberOf)
  if (writer.length > messageBytesMax) throw new RangeError(`a message ${message.type} of ${writer.length} bytes`)
  return writer.finish()
}

/** Reads a message. Throws a DecodeError for anything that encodeMessage does not write, and UnknownVersion. */
export function decodeMessage(bytes: Uint8Array): Message {
  const reader = new ByteReader(bytes)
  const type = typesByCode.get(reader.u8())
  if (type === undefined) throw new DecodeError('unknown type of message')
  const { read, readFields } = formatOf(type)
  const body = read(reader)
  const fields = fieldsAtEnd(reader)
  return { type, ...body, ...readFields?.(fields) } as Message
}

/** The row of a type; the compiler cannot see that a message and the row of its type fit each other. */
function formatOf(type: Message['type']): Format<Message> {
  return formats[type] as unknown as Format<Message>
}

function reasonNumber(reason: BusyReason | typeof laterReason): number {
  return reason === laterReason ? laterReasonNumber : busyReasons.indexOf(reason)
}

function writeTableField(writer: ByteWriter, table: Uint8Array | undefined): void {
  if (table !== undefined) writer.varint(tableField).bytes(table)
}

function readTableField(fields: Fields): { table?: Uint8Array } {
  const bytes = fields.get(tableField)
  if (bytes === undefined) return {}
  if (bytes.length !== digestBytes) throw new DecodeError('not the digest of a table')
  return { table: Uint8Array.from(bytes) }
}

function tableOf(dots: readonly NamedDot[]): ActorTable {
  const table = new ActorTable()
  for (const { actor } of dots) table.add(actor)
  return table
}
