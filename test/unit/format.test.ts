/**
 * A store of format 1, as the version before wrote it, is taken over: its rows are read, and an older program would
 * refuse it from then on.
 */
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { formatVersion, rangeOf } from '../../store/keyspace.js'
import type { KvStore } from '../../store/kv.js'
import { register } from '../../store/model/address.js'
import { ByteWriter } from '../../store/model/bytes.js'
import { writeAddress, writeDot, writeDots, writeExpiry, writeTime } from '../../store/model/codec.js'
import { updateDigest } from '../../store/model/digest.js'
import { decodeDotRow } from '../../store/rows/dots.js'
import { decodeFormat, encodeFormat, formatKey } from '../../store/rows/state.js'
import { openNode, putOver, removeAll } from '../support/replicas.js'

const states = ['live', 'logged', 'stub']
const kinds = ['put', 'delete', 'expiry']

/** A dot row as format 1 had it: no digests, and a free bit in its flags. */
function rowOfFormat1(key: Uint8Array, value: Uint8Array): Buffer {
  const row = decodeDotRow(key, value)
  const flags =
    states.indexOf(row.state) |
    (kinds.indexOf(row.kind) << 2) |
    (row.bare ? 0x10 : 0) |
    (row.supersededBy === null ? 0 : 0x20) |
    (row.value === null ? 0 : 0x40)
  const writer = new ByteWriter().u8(flags).varint(row.sequence)
  writeAddress(writer, row.address)
  writeTime(writer, row.time)
  writeExpiry(writer, row.expiresAtMs)
  writeDots(
    writer,
    row.supersedes.map(({ actor, counter }) => ({ actor, counter })),
  )
  if (row.supersededBy !== null) writeDot(writer, row.supersededBy)
  if (row.value !== null) writer.bytes(row.value)
  const body = Buffer.from(writer.finish())
  return new ByteWriter()
    .raw(body)
    .u32(crc32(body, crc32(key)))
    .finish()
}

async function asFormat1(store: KvStore): Promise<void> {
  for await (const rows of store.scan(rangeOf('dot'))) {
    await store.write(
      rows.map(({ key, value }) => ({ key, value: rowOfFormat1(key, value) })),
      { sync: true },
    )
  }
  await store.write([{ key: formatKey, value: encodeFormat(1) }], { sync: true })
}

describe('a store of format 1', () => {
  it('is taken over whole, and says its new version before anything is written', async () => {
    const before = await openNode('a')
    await putOver(before, 'kept', 'one')
    await putOver(before, 'over', 'old')
    await putOver(before, 'over', 'new')
    await putOver(before, 'gone', 'x')
    await removeAll(before, 'gone')
    const digest = before.replica.sync.digestOf(before.replica.versions(register('over'))[0]!.dot)
    await asFormat1(before.store)

    const after = await openNode('b', { store: before.store })
    expect(decodeFormat(after.store.get(formatKey)!)).toBe(formatVersion)
    expect(after.warnings).toEqual([])
    expect(after.replica.health.isVerified).toBe(true)
    const text = (key: string) =>
      after.replica.versions(register(key)).map(({ value }) => Buffer.from(value).toString())
    expect([text('kept'), text('over'), text('gone')]).toEqual([['one'], ['new'], []])
    expect(after.replica.sync.digestOf(after.replica.versions(register('over'))[0]!.dot)).toBe(digest)
  })

  it('is told by its rows to a node of today, and written over as any', async () => {
    const before = await openNode('a')
    await putOver(before, 'key', 'old')
    await putOver(before, 'key', 'new')
    await asFormat1(before.store)
    const after = await openNode('b', { store: before.store })
    const other = await openNode('c')
    const { updates } = await after.replica.sync.readMissing(after.replica.sync.capture().applied, 100_000)
    await other.replica.sync.applyUpdates({ updates: [...updates], members: new Map() })
    expect(other.replica.versions(register('key'))).toEqual(after.replica.versions(register('key')))
    const { dot } = after.replica.versions(register('key'))[0]!
    const digest = after.replica.sync.digestOf(dot)
    expect(digest).toBeDefined()
    await putOver(after, 'key', 'newest')
    // Its row has none of its own: it must not go with the version.
    expect(after.replica.sync.digestOf(dot)).toBe(digest)
    const [over] = (await after.replica.sync.readMissing(after.replica.sync.capture().applied, 100_000)).updates.slice(
      -1,
    )
    expect(over!.supersedes[0]!.digest).toBe(updateDigest(updates.at(-1)!))
  })
})
