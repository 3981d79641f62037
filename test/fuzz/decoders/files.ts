/** Whole files and what is in them: backups, LevelDB’s own tables and manifest, saved documents. */
import { crc32 } from 'node:zlib'
import { BackupDecoder } from '../../../store/backup/decoder.js'
import { BackupEncoder } from '../../../store/backup/format.js'
import { chunkRowsOf } from '../../../store/documents/chunk.js'
import { loadDocumentLibrary } from '../../../store/documents/library.js'
import { sha256 } from '../../../store/model/digest.js'
import { encodeFeed, feedKey } from '../../../store/rows/feed.js'
import { crc32c, masked, unpackSnappy } from '../../../store/tables-bytes.js'
import { decodeManifest } from '../../../store/tables-manifest.js'
import { edited } from '../../support/documents.js'
import { resealedChunk } from '../../support/saved-document.js'
import { type Decoder, isKnownError, throwsNothing } from './decoder.js'
import { exampleDot, exampleSecret } from './examples.js'

/** A backup with two rows. */
function backup(): Buffer {
  const encoder = new BackupEncoder()
  const head = { layout: 1, takenAtMs: 5, software: '1', node: 'one', peer: '12D3KooW' }
  const start = encoder.start(head, { seed: exampleSecret, secret: exampleSecret })
  for (const sequence of [1, 2]) {
    const key = feedKey(sequence)
    encoder.add({ key, value: encodeFeed(key, { kind: 'update', dot: exampleDot }) })
  }
  return Buffer.concat([start, encoder.finish()])
}

/**
 * The bytes of a backup with every block's checksums and the digest put right, as far as its blocks can be told apart.
 */
function mendBackup(bytes: Uint8Array): Uint8Array {
  const mended = Buffer.from(bytes)
  for (let at = 9; at + 13 <= mended.length; ) {
    const end = at + 9 + mended.readUInt32LE(at + 1)
    if (end + 4 > mended.length) break
    mended.writeUInt32LE(crc32(mended.subarray(at, at + 5)), at + 5)
    if (mended[at] === 4 && end - 32 > at + 9) sha256(mended.subarray(0, end - 32)).copy(mended, end - 32)
    mended.writeUInt32LE(crc32(mended.subarray(at, end)), end)
    at = end + 4
  }
  return mended
}

/** Gives the first record of a log of LevelDB a length and a checksum that fit, so that what it holds is looked at. */
function mendLogRecord(bytes: Buffer): Buffer {
  const header = 7
  if (bytes.length < header) return bytes
  const mended = Buffer.from(bytes)
  mended.writeUInt16LE(Math.min(mended.readUInt16LE(4), mended.length - header, 32_000), 4)
  mended[6] = 1
  const end = header + mended.readUInt16LE(4)
  mended.writeUInt32LE(masked(crc32c(mended.subarray(6, end))), 0)
  return mended
}

const library = await loadDocumentLibrary()
const small = edited(library, [], { put: { a: { b: [1, 'x', null, 2.5] }, c: true } })
const text700 = Array.from({ length: 100 }, (_, at) => `${at * 7919}`).join('-')
const savedDocuments = [
  small,
  edited(library, [small], {
    merge: { a: null, d: Object.fromEntries([...text700].map((one, at) => [`${at}${one}`, one])) },
  }),
]

/** Of files. */
export const fileDecoders: readonly Decoder[] = [
  {
    name: 'backup',
    examples: [backup()],
    decode: (bytes) => {
      const decoder = new BackupDecoder()
      const parts = decoder.push(bytes)
      return [parts, decoder.end()]
    },
    accepts: isKnownError,
    mend: mendBackup,
  },
  {
    name: 'snappy',
    examples: [Buffer.from([9, 8, 97, 98, 99, 9, 3])],
    decode: (bytes) => unpackSnappy(bytes, 1 << 20),
    accepts: throwsNothing,
  },
  {
    name: 'manifest',
    // Three edits as LevelDB wrote them: tables that come, go, and come by compaction.
    examples: [
      Buffer.from(
        '7gElwXsAAQEabGV2ZWxkYi5CeXRld2lzZUNvbXBhcmF0b3IFAA5tc3RhdGUBAgAAAAAAAAcADOSCBhFj+Z8x1+GnhxgBvQkAAAAAAA5tc3RhdGUBpQIAAAAAAAcBCqj7ARFjYlBovZttlCABmQIAAAAAAA5tc3RhdGUBnwIAAAAAABL5gCMvAAECEAkAAxEExBMHAA+UAxFjoWOkaeF9qp8BwwkAAAAAAA5tc3RhdGUBxAkAAAAAAA==',
        'base64',
      ),
    ],
    decode: (bytes) => decodeManifest(Buffer.from(bytes)),
    accepts: throwsNothing,
    mend: mendLogRecord,
  },
  {
    name: 'saved document',
    examples: savedDocuments,
    decode: chunkRowsOf,
    accepts: throwsNothing,
    mend: resealedChunk,
  },
]
