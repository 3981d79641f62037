/** The file of a backup: its golden bytes, and that nothing but a whole, unaltered one is ever taken for one. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BackupDecoder } from '../../store/backup/decoder.js'
import { BackupEncoder, type BackupHead, blockHeadBytes } from '../../store/backup/format.js'
import { blockBytes } from '../../store/backup/limits.js'
import { formatVersion, rangeOf } from '../../store/keyspace.js'
import type { KvRow } from '../../store/kv.js'
import { contextKey, encodeContext } from '../../store/rows/contexts.js'
import { encodeFeed, feedKey } from '../../store/rows/feed.js'
import { deadlineKey } from '../../store/rows/marks.js'

const head: BackupHead = { layout: formatVersion, takenAtMs: 300, software: '1.2.3', node: 'ann', peer: 'p' }
const keys = { seed: new Uint8Array(32).fill(0xaa), secret: new Uint8Array(32).fill(0xbb) }
const actor = '0123456789abcdef'

function contextRow(): KvRow {
  const key = contextKey(actor)
  return { key, value: encodeContext(key, { member: 'fedcba9876543210', seen: [1, 9], applied: [1, 9] }) }
}

function feedRow(sequence: number): KvRow {
  const key = feedKey(sequence)
  return { key, value: encodeFeed(key, { kind: 'update', dot: { actor, counter: sequence } }) }
}

function encode(rows: readonly KvRow[], layout = head.layout): Buffer {
  const encoder = new BackupEncoder()
  const parts = [encoder.start({ ...head, layout }, keys)]
  for (const row of rows) parts.push(encoder.add(row) ?? Buffer.alloc(0))
  return Buffer.concat([...parts, encoder.finish()])
}

/** Everything in a file that comes in chunks of this many bytes. Throws when it is not whole. */
function decode(file: Buffer, chunkBytes = file.length || 1) {
  const decoder = new BackupDecoder()
  const parts = []
  for (let at = 0; at < file.length; at += chunkBytes) parts.push(...decoder.push(file.subarray(at, at + chunkBytes)))
  const totals = decoder.end()
  const rows = parts.flatMap((part) => (part.kind === 'rows' ? part.rows : []))
  return { parts, rows: rows.map(({ key, value }) => [hex(key), hex(value)]), totals }
}

/** The worked example of store/backup/SPEC.md. */
const golden = [
  '894853420d0a1a0a01',
  '010f000000fbce21a3' + '01ac0205312e322e3303616e6e0170' + 'bf5c46c0',
  `024000000040fcf627${'aa'.repeat(32)}${'bb'.repeat(32)}ef5e0c50`,
  '0317000000ebe24c4c' + '0866000000000000010d0123456789abcdef010ef8b680' + 'acc7b94c',
  '04280000000cd62456' +
    '04010466656564018f1e092666e9649ea2ac74ce1fc6021de688871ecbc8df5313cfd7a4c3ff0efa' +
    '615defc7',
].join('')

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const pairs = (rows: readonly KvRow[]) => rows.map(({ key, value }) => [hex(key), hex(value)])
const refused = expect.objectContaining({ code: 'BAD_BACKUP' })

/** Whether a file is refused, and as what. */
function refusal(file: Buffer): unknown {
  try {
    decode(file)
    return undefined
  } catch (error) {
    return error
  }
}

const small = [feedRow(1), feedRow(2), feedRow(300)]
const file = encode(small)

describe('the file of a backup', () => {
  it('has exactly the bytes of the specification', () => {
    // The specification's example is of the first layout.
    expect(hex(encode([feedRow(1)], 1))).toBe(golden)
  })

  it('gives what was put in, however it is cut into chunks', () => {
    for (const chunkBytes of [1, 2, 7, 64, file.length]) {
      const { parts, rows, totals } = decode(file, chunkBytes)
      expect(parts[0]).toEqual({ kind: 'head', head })
      expect(parts[1]).toEqual({ kind: 'keys', keys })
      expect(rows).toEqual(pairs(small))
      expect(totals).toEqual({ blocks: 4, rows: { feed: 3 } })
    }
    expect(decode(encode([])).totals).toEqual({ blocks: 3, rows: {} })
  })

  it('gathers rows into blocks of bounded size', () => {
    const rows = Array.from({ length: 30_000 }, (_, at) => feedRow(at + 1))
    const { parts, totals } = decode(encode(rows))
    const sizes = parts.map((part) => (part.kind === 'rows' ? part.rows.length : 0)).filter((size) => size > 0)
    expect(sizes.length).toBeGreaterThan(2)
    expect(Math.max(...sizes) * 20).toBeLessThan(blockBytes * 2)
    expect(totals.rows).toEqual({ feed: 30_000 })
  })

  it('is refused with any one bit flipped', () => {
    for (let bit = 0; bit < file.length * 8; bit++) {
      const flipped = Buffer.from(file)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      const error = refusal(flipped) as { code: string } | undefined
      // Another version than ours may be that of a newer program.
      const isVersion = bit >> 3 === 8 && flipped[8]! > file[8]!
      expect(error?.code, `bit ${bit}`).toBe(isVersion ? 'STORE_FORMAT' : 'BAD_BACKUP')
    }
  })

  it('is refused cut off anywhere, and with anything behind its end', () => {
    for (let length = 0; length < file.length; length++) expect(refusal(file.subarray(0, length))).toEqual(refused)
    for (const more of [Buffer.of(0), file.subarray(0, 1), file]) {
      expect(refusal(Buffer.concat([file, more]))).toEqual(refused)
    }
  })

  it('is refused with blocks left out, repeated or in another order, and with bytes replaced', () => {
    const blocks = blocksOf(encode([...Array(3)].map((_, at) => feedRow(at + 1))))
    const { start, list } = blocks
    expect(refusal(Buffer.concat([start, ...list]))).toBeUndefined()
    for (let at = 0; at < list.length; at++) {
      expect(refusal(Buffer.concat([start, ...list.toSpliced(at, 1)]))).toEqual(refused)
      expect(refusal(Buffer.concat([start, ...list.toSpliced(at, 0, list[at]!)]))).toEqual(refused)
    }
    for (let at = 1; at < list.length; at++) {
      const swapped = list.toSpliced(at - 1, 2, list[at]!, list[at - 1]!)
      expect(refusal(Buffer.concat([start, ...swapped]))).toEqual(refused)
    }
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.uint8Array({ minLength: 1, maxLength: 40 }), (at, bytes) => {
        const changed = Buffer.concat([file.subarray(0, at), bytes, file.subarray(at + bytes.length)])
        return changed.equals(file) || refusal(changed) !== undefined
      }),
    )
  })

  it('refuses rows of unknown kinds, out of order, or with a wrong checksum, on both sides', () => {
    const ack: KvRow = { key: rangeOf('acknowledgement').gte, value: Buffer.alloc(4) }
    const spoilt = { ...feedRow(2), value: feedRow(1).value }
    for (const rows of [
      [ack],
      [{ key: Buffer.from('q'), value: Buffer.alloc(4) }],
      [feedRow(2), feedRow(1)],
      [spoilt],
    ]) {
      expect(() => encode(rows)).toThrow(RangeError)
    }
    expect(encode([contextRow(), feedRow(1)]).length).toBeGreaterThan(0)
  })

  it('takes rows without a value only where there is none to have', () => {
    const deadline: KvRow = { key: deadlineKey(5, { actor, counter: 1 }), value: Buffer.alloc(0) }
    expect(decode(encode([deadline])).totals.rows).toEqual({ deadline: 1 })
    expect(() => encode([{ ...deadline, value: Buffer.of(0) }])).toThrow(RangeError)
    expect(() => encode([{ ...feedRow(1), value: Buffer.alloc(0) }])).toThrow(RangeError)
  })

  it('that was broken off says why, and is none', () => {
    const encoder = new BackupEncoder()
    const start = encoder.start(head, keys)
    const broken = Buffer.concat([start, encoder.fail('DAMAGED_VALUE', 'a record is damaged')])
    expect(refusal(broken)).toMatchObject({
      code: 'DAMAGED_VALUE',
      message: expect.stringContaining('a record is damaged'),
    })
    expect(refusal(Buffer.concat([start, new BackupEncoder().fail('NO_SUCH_CODE', 'why')]))).toEqual(refused)
  })

  it('of a newer form or layout asks for a newer program', () => {
    const newerForm = Buffer.from(file)
    newerForm[8] = 2
    expect(refusal(newerForm)).toMatchObject({ code: 'STORE_FORMAT' })
    expect(refusal(new BackupEncoder().start({ ...head, layout: formatVersion + 1 }, keys))).toMatchObject({
      code: 'STORE_FORMAT',
    })
    expect(refusal(new BackupEncoder().start({ ...head, layout: 0 }, keys))).toEqual(refused)
  })

  it('of arbitrary bytes is refused and harms nothing', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => refusal(Buffer.from(bytes)) !== undefined))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        return refusal(Buffer.concat([file.subarray(0, 9), bytes])) !== undefined
      }),
    )
  })
})

/** The magic with the version, and the blocks behind it. */
function blocksOf(whole: Buffer): { start: Buffer; list: Buffer[] } {
  const list: Buffer[] = []
  for (let at = 9; at < whole.length; ) {
    const end = at + blockHeadBytes + whole.readUInt32LE(at + 1) + 4
    list.push(whole.subarray(at, end))
    at = end
  }
  return { start: whole.subarray(0, 9), list }
}
