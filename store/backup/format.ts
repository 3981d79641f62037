/**
 * The file of a backup: its content and its encoding. SPEC.md beside this file says the same with an example. A file is
 * one magic, then blocks; each block has checksums of its own, and the last one a digest of everything before it.
 */
import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { HearsayError } from '../errors.js'
import { kindOfRow, type RowKind, rowKinds } from '../keyspace.js'
import type { KvRow } from '../kv.js'
import { ByteReader, ByteWriter } from '../model/bytes.js'
import { isSealed } from '../rows/seal.js'
import { blockBytes, blockBytesMax } from './limits.js'

/** The version of the file's form. */
export const backupVersion = 1

/** The first bytes of every backup: a transfer that takes them for text spoils them at once. */
export const backupMagic = Buffer.from([0x89, 0x48, 0x53, 0x42, 0x0d, 0x0a, 0x1a, 0x0a])

/** The kinds of blocks, as numbers on the disk. */
export const blockKinds = { head: 1, keys: 2, rows: 3, end: 4, failed: 5 } as const

/** Bytes of a block before its body: kind, length, checksum of both. */
export const blockHeadBytes = 9
/** Bytes of a checksum. */
export const checkBytes = 4
/** Bytes of a SHA-256, of an identity's seed, and of a mesh secret. */
export const secretBytes = 32

/**
 * The rows that come along, in the order of their keys: all but what members acknowledged. That is their word about
 * their own disks at another time; a store that comes back later asks them again, and keeps the log until they have
 * answered.
 */
export const backedUpKinds: readonly RowKind[] = rowKinds.filter((kind) => kind !== 'acknowledgement')

/** Head of a backup: its origin, and the version of its rows. */
export interface BackupHead {
  /** The version of the rows' layout. */
  readonly layout: number
  /** Time at which it was taken, in milliseconds since 1970. */
  readonly takenAtMs: number
  /** The version of hearsay that took it. */
  readonly software: string
  /** The node it was taken from, and its peer id. */
  readonly node: string
  readonly peer: string
}

/** The secrets in a backup, 32 bytes each. */
export interface BackupKeys {
  /** Seed from which the identity of the node is derived. */
  readonly seed: Uint8Array
  /** The mesh secret. */
  readonly secret: Uint8Array
}

/** Numbers of blocks, and of rows of each kind, in a whole backup. */
export interface BackupTotals {
  readonly blocks: number
  readonly rows: Readonly<Partial<Record<RowKind, number>>>
}

/** Counts rows, and checks each: its order, its kind, its checksum. For writing as for reading. */
export class RowCounter {
  readonly rows: Partial<Record<RowKind, number>> = {}
  #last: Uint8Array | undefined

  /** Counts a row; says in words what is wrong with it, or nothing. */
  add({ key, value }: KvRow): string | undefined {
    const kind = kindOfRow(key)
    if (kind === undefined || !backedUpKinds.includes(kind)) return 'a row of an unknown kind'
    if (this.#last !== undefined && Buffer.compare(this.#last, key) >= 0) return 'rows out of order'
    if (!isSealed(key, value)) return 'a row that fails its checksum'
    this.#last = key
    this.rows[kind] = (this.rows[kind] ?? 0) + 1
    return undefined
  }
}

/** Makes the bytes of a backup, piece by piece and in order: start, rows, end. */
export class BackupEncoder {
  readonly #hash: Hash = createHash('sha256')
  readonly #counter = new RowCounter()
  #body = new ByteWriter(2 * blockBytes)
  #blocks = 0

  /** The first bytes. */
  start(head: BackupHead, keys: BackupKeys): Buffer {
    const magic = this.#hashed(Buffer.concat([backupMagic, Buffer.of(backupVersion)]))
    const writer = new ByteWriter().varint(head.layout).varint(head.takenAtMs)
    writer.text(head.software).text(head.node).text(head.peer)
    const secrets = new ByteWriter(2 * secretBytes).raw(keys.seed).raw(keys.secret)
    return Buffer.concat([magic, this.#block('head', writer), this.#block('keys', secrets)])
  }

  /**
   * Takes a row; returns a block when enough of them have come. Throws TOO_LARGE, and a RangeError for a row that must
   * not be here.
   */
  add(row: KvRow): Buffer | undefined {
    const fault = this.#counter.add(row)
    if (fault !== undefined) throw new RangeError(`a backup was given ${fault}`)
    this.#body.bytes(row.key).bytes(row.value)
    if (this.#body.length > blockBytesMax) {
      throw new HearsayError('TOO_LARGE', 'a record is too large for a backup: settle its conflict, then try again')
    }
    return this.#body.length < blockBytes ? undefined : this.#flush()
  }

  /** The last bytes. */
  finish(): Buffer {
    const rest = this.#body.length === 0 ? Buffer.alloc(0) : this.#flush()
    const rows = Object.entries(this.#counter.rows).sort()
    const writer = new ByteWriter().varint(this.#blocks + 1).varint(rows.length)
    for (const [kind, count] of rows) writer.text(kind).varint(count)
    const head = blockHead('end', writer.length + secretBytes)
    this.#hash.update(head).update(writer.finish())
    const body = Buffer.concat([writer.finish(), this.#hash.digest()])
    return Buffer.concat([rest, closed(head, body)])
  }

  /** Says why there is no more: what was written so far is no backup. */
  fail(code: string, message: string): Buffer {
    return this.#block('failed', new ByteWriter().text(code).text(message))
  }

  #flush(): Buffer {
    const block = this.#block('rows', this.#body)
    this.#body = new ByteWriter(2 * blockBytes)
    return block
  }

  #block(kind: keyof typeof blockKinds, writer: ByteWriter): Buffer {
    this.#blocks++
    const body = writer.finish()
    return this.#hashed(closed(blockHead(kind, body.length), body))
  }

  #hashed(bytes: Buffer): Buffer {
    this.#hash.update(bytes)
    return bytes
  }
}

function blockHead(kind: keyof typeof blockKinds, bodyBytes: number): Buffer {
  const head = new ByteWriter(blockHeadBytes).u8(blockKinds[kind]).u32(bodyBytes).finish()
  return Buffer.concat([head, u32(crc32(head))])
}

function closed(head: Buffer, body: Buffer): Buffer {
  return Buffer.concat([head, body, u32(crc32(body, crc32(head)))])
}

function u32(value: number): Buffer {
  return new ByteWriter(checkBytes).u32(value).finish()
}

/** Reads what a block of rows holds. Throws a DecodeError. */
export function decodeRows(body: Uint8Array): KvRow[] {
  const reader = new ByteReader(body)
  const rows: KvRow[] = []
  while (reader.left > 0) rows.push({ key: reader.bytes(reader.left), value: reader.bytes(reader.left) })
  return rows
}
