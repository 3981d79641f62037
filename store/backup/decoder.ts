/**
 * Reads the file of a backup from chunks that may end anywhere. Nothing that it gives may be relied on before its end
 * was reached.
 */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { type ErrorCode, errorCodes, HearsayError } from '../errors.js'
import { formatVersion, type RowKind } from '../keyspace.js'
import type { KvRow } from '../kv.js'
import { ByteReader, DecodeError } from '../model/bytes.js'
import {
  type BackupHead,
  type BackupKeys,
  type BackupTotals,
  backedUpKinds,
  backupMagic,
  backupVersion,
  blockHeadBytes,
  blockKinds,
  checkBytes,
  decodeRows,
  RowCounter,
  secretBytes,
} from './format.js'
import { blockBytesMax, headTextBytesMax } from './limits.js'

/** Content of a block. */
export type BackupPart =
  | { readonly kind: 'head'; readonly head: BackupHead }
  | { readonly kind: 'keys'; readonly keys: BackupKeys }
  | { readonly kind: 'rows'; readonly rows: readonly KvRow[] }

interface BlockHead {
  readonly kind: number
  readonly bodyBytes: number
}

/**
 * Decodes one backup. Every method throws BAD_BACKUP for bytes that are none, and STORE_FORMAT for those of a newer
 * version.
 */
export class BackupDecoder {
  readonly #hash = createHash('sha256')
  readonly #counter = new RowCounter()
  #chunks: Buffer[] = []
  #bytes = 0
  /** Bytes that the next step needs. */
  #needed = backupMagic.length + 1
  #isStarted = false
  #head: BlockHead | undefined
  /** The checksum so far of the block whose head was read. */
  #check = 0
  #blocks = 0
  #totals: BackupTotals | undefined

  /** Takes the next bytes; returns the parts that are whole with them. */
  push(chunk: Uint8Array): BackupPart[] {
    this.#chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    this.#bytes += chunk.length
    const parts: BackupPart[] = []
    while (this.#bytes >= this.#needed) {
      if (this.#totals !== undefined) throw bad('bytes follow its end')
      const part = readable(() => this.#step(this.#take(this.#needed)))
      if (part !== undefined) parts.push(part)
    }
    return parts
  }

  /** Ends the decoding when there are no more bytes: the parts that were returned are true only if this returns. */
  end(): BackupTotals {
    if (!this.#isStarted && this.#bytes === 0) throw bad('it is empty')
    if (this.#totals === undefined) throw bad('it is truncated')
    return this.#totals
  }

  #step(bytes: Buffer): BackupPart | undefined {
    if (!this.#isStarted) return this.#start(bytes)
    if (this.#head !== undefined) return this.#body(this.#head, bytes)
    this.#head = this.#blockHead(bytes)
    this.#needed = this.#head.bodyBytes + checkBytes
    return undefined
  }

  #start(bytes: Buffer): undefined {
    const version = bytes[backupMagic.length]!
    if (!bytes.subarray(0, backupMagic.length).equals(backupMagic)) throw bad('it is not a backup made by hearsay')
    if (version > backupVersion)
      throw newer(`the backup has version ${version}, this hearsay reads up to version ${backupVersion}`)
    if (version !== backupVersion) throw bad('its version is unknown')
    this.#hash.update(bytes)
    this.#isStarted = true
    this.#needed = blockHeadBytes
  }

  #blockHead(bytes: Buffer): BlockHead {
    const reader = new ByteReader(bytes)
    const head = { kind: reader.u8(), bodyBytes: reader.u32() }
    if (reader.u32() !== crc32(bytes.subarray(0, blockHeadBytes - checkBytes))) throw bad('a block fails its checksum')
    if (head.bodyBytes > blockBytesMax) throw bad('a block is over the limit')
    // The checksum of the body covers the whole of this; the digest of the end all but itself.
    this.#hash.update(bytes)
    this.#check = crc32(bytes)
    return head
  }

  #body({ kind }: BlockHead, bytes: Buffer): BackupPart | undefined {
    const body = bytes.subarray(0, bytes.length - checkBytes)
    if (bytes.readUInt32LE(body.length) !== crc32(body, this.#check)) throw bad('a block fails its checksum')
    this.#head = undefined
    this.#needed = blockHeadBytes
    this.#blocks++
    if (kind === blockKinds.end) return this.#end(body)
    this.#hash.update(bytes)
    return this.#part(kind, body)
  }

  /** Head and keys come first, each once. */
  #part(kind: number, body: Buffer): BackupPart {
    if (kind === blockKinds.failed) throw failure(new ByteReader(body))
    if (kind === blockKinds.head && this.#blocks === 1) return { kind: 'head', head: readHead(body) }
    if (kind === blockKinds.keys && this.#blocks === 2) return { kind: 'keys', keys: readKeys(body) }
    if (kind !== blockKinds.rows || this.#blocks < 3) throw bad('its blocks are not in order')
    const rows = decodeRows(body)
    for (const row of rows) {
      const fault = this.#counter.add(row)
      if (fault !== undefined) throw bad(`it holds ${fault}`)
    }
    return { kind: 'rows', rows }
  }

  #end(body: Buffer): undefined {
    const digested = body.subarray(0, Math.max(0, body.length - secretBytes))
    const totals = readTotals(digested)
    const digest = this.#hash.update(digested).digest()
    if (!digest.equals(body.subarray(digested.length))) throw bad('it fails its digest')
    if (this.#blocks < 3 || totals.blocks !== this.#blocks) throw bad('blocks are missing')
    for (const kind of backedUpKinds) {
      if ((totals.rows[kind] ?? 0) !== (this.#counter.rows[kind] ?? 0)) throw bad('rows are missing')
    }
    this.#totals = totals
    this.#needed = 1
  }

  /** The next bytes; chunks are only ever put together when all of what is needed is here. */
  #take(count: number): Buffer {
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    this.#chunks = [all.subarray(count)]
    this.#bytes -= count
    return all.subarray(0, count)
  }
}

function readHead(body: Buffer): BackupHead {
  const reader = new ByteReader(body)
  const layout = reader.varint()
  if (layout > formatVersion)
    throw newer(`its rows have format ${layout}, this hearsay reads up to format ${formatVersion}`)
  // Rows of every format since the first can be read.
  if (layout < 1) throw bad(`its rows have format ${layout}, which is unknown`)
  const takenAtMs = reader.varint()
  const software = reader.text(headTextBytesMax)
  const node = reader.text(headTextBytesMax)
  const peer = reader.text(headTextBytesMax)
  reader.end()
  return { layout, takenAtMs, software, node, peer }
}

function readKeys(body: Buffer): BackupKeys {
  const reader = new ByteReader(body)
  const keys = { seed: Uint8Array.from(reader.raw(secretBytes)), secret: Uint8Array.from(reader.raw(secretBytes)) }
  reader.end()
  return keys
}

function readTotals(body: Buffer): BackupTotals {
  const reader = new ByteReader(body)
  const blocks = reader.varint()
  const rows: Partial<Record<RowKind, number>> = {}
  for (let left = reader.count(backedUpKinds.length); left > 0; left--) {
    const kind = reader.text(headTextBytesMax)
    if (!backedUpKinds.includes(kind as RowKind)) throw bad('it counts rows of an unknown kind')
    rows[kind as RowKind] = reader.varint()
  }
  reader.end()
  return { blocks, rows }
}

/** Error that the daemon wrote into the backup when it had to break off. */
function failure(reader: ByteReader): HearsayError {
  const code = reader.text(headTextBytesMax)
  const message = reader.text(headTextBytesMax)
  const known: ErrorCode = Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : 'BAD_BACKUP'
  return new HearsayError(known, `the backup was interrupted: ${message}`)
}

function readable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof DecodeError) throw bad('a block is malformed', error)
    throw error
  }
}

function bad(reason: string, cause?: unknown): HearsayError {
  const message = `this backup cannot be used: ${reason}; take another copy of the file, or another backup`
  return new HearsayError('BAD_BACKUP', message, {}, { cause })
}

function newer(reason: string): HearsayError {
  return new HearsayError('STORE_FORMAT', `${reason}; update hearsay`)
}
