/** `hearsay backup verify`: accepts exactly what a restore would accept, and says what is in it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BackupDecoder } from '../../store/backup/decoder.js'
import { BackupEncoder } from '../../store/backup/format.js'
import { BackupInspection } from '../../store/backup/inspection.js'
import { takeBackup } from '../../store/backup/reading.js'
import { StoreFiller } from '../../store/backup/writing.js'
import { formatVersion, kindOfRow } from '../../store/keyspace.js'
import type { KvRow } from '../../store/kv.js'
import { MemoryStore } from '../../store/memory.js'
import { document, mapField, register, setMember } from '../../store/model/address.js'
import { openNode, putOver, removeAll } from '../support/replicas.js'
import { runCli } from '../support/run-cli.js'

const keys = { seed: new Uint8Array(32), secret: new Uint8Array(32) }
const origin = { takenAtMs: 5, software: '1.2.3', node: 'ann', peer: 'p', keys }

/** A backup of a node with some of everything. */
async function backupOfANode(): Promise<Buffer> {
  const node = await openNode('ann')
  for (const key of ['one', 'two', 'gone']) await putOver(node, key)
  await putOver(node, 'brief', 'x', 9_000_000_000_000)
  await removeAll(node, 'gone')
  await node.replica.transact((transaction) => {
    transaction.put(register('two'), Buffer.from('beside'), null, [])
    transaction.put(mapField('map', 'field'), Buffer.from('x'), null, [])
    for (const member of ['a', 'b']) transaction.put(setMember('set', Buffer.from(member)), Buffer.alloc(0), null, [])
    transaction.put(document('doc'), Buffer.from('not looked at'), null, [])
  })
  const pieces: Buffer[] = []
  for await (const piece of takeBackup(node.replica, origin)) pieces.push(piece)
  await node.replica.close()
  return Buffer.concat(pieces)
}

function rowsOfBackup(bytes: Uint8Array): KvRow[] {
  return new BackupDecoder().push(bytes).flatMap((part) => (part.kind === 'rows' ? part.rows : []))
}

function backupWith(rows: readonly KvRow[]): Buffer {
  const { keys: secrets, ...head } = origin
  const encoder = new BackupEncoder()
  const start = encoder.start({ ...head, layout: formatVersion }, secrets)
  return Buffer.concat([start, ...rows.map((row) => encoder.add(row) ?? Buffer.alloc(0)), encoder.finish()])
}

function passesInspection(rows: readonly KvRow[]): boolean {
  const inspection = new BackupInspection()
  try {
    inspection.take(rows)
    inspection.end()
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: 'BAD_BACKUP' })
    return false
  }
}

async function passesRestore(rows: readonly KvRow[]): Promise<boolean> {
  const filler = new StoreFiller(new MemoryStore(), '00'.repeat(8))
  try {
    await filler.take(rows)
    await filler.verify(async () => {})
    return true
  } catch {
    return false
  }
}

describe('backup verify', () => {
  let folder: string
  let file: string
  let whole: Buffer
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hearsay-backup-verify-'))
    file = join(folder, 'ann.backup')
    whole = await backupOfANode()
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const verify = (bytes: Uint8Array, ...flags: string[]) => {
    writeFileSync(file, bytes)
    return runCli(['backup', 'verify', file, ...flags])
  }

  it('says that a backup is whole, whose it is and what is in it', async () => {
    const ran = await verify(whole)
    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    expect(ran.text).toContain(`${file} is whole: ann, as of 1970-01-01T00:00:00.005Z, by hearsay 1.2.3, `)
    expect(ran.text).toContain('7 entries: 3 values, 2 members of sets, 1 field of maps, 1 document\n')
    expect(ran.text).toContain('1 entry holds more than one version\n')
  })

  it('says it in JSON, of a file and of stdin', async () => {
    const { text } = await verify(whole, '--json')
    const said = JSON.parse(text)
    expect(said).toMatchObject({ file, node: 'ann', peer: 'p', version: '1.2.3', format: formatVersion })
    expect(said).toMatchObject({ entries: 7, withSiblings: 1, types: { reg: 3, map: 1, set: 2, doc: 1 } })
    expect(said.bytes).toBe(whole.length)
    expect(said.rows).toMatchObject({ entry: 7, deadline: 1, context: 1 })
    const piped = await runCli(['backup', 'verify', '-', '--json'], { stdin: whole })
    expect(JSON.parse(piped.text)).toEqual({ ...said, file: null })
  })

  it.each<[string, (bytes: Buffer) => Buffer, string]>([
    ['truncated', (bytes) => bytes.subarray(0, -1), 'BAD_BACKUP'],
    ['followed by a byte', (bytes) => Buffer.concat([bytes, Buffer.of(0)]), 'BAD_BACKUP'],
    ['empty', () => Buffer.alloc(0), 'BAD_BACKUP'],
    [
      'of a later version',
      (bytes) => Buffer.concat([bytes.subarray(0, 8), Buffer.of(9), bytes.subarray(9)]),
      'STORE_FORMAT',
    ],
  ])('refuses one that is %s', async (_, spoil, code) => {
    const ran = await verify(spoil(whole), '--json')
    expect([ran.exit, ran.text]).toEqual([1, ''])
    expect(JSON.parse(ran.stderr).code).toBe(code)
  })

  it('refuses every flipped bit', async () => {
    for (let at = 0; at < whole.length; at += 7) {
      const bytes = Buffer.from(whole)
      bytes[at]! ^= 1 << (at % 8)
      const ran = await runCli(['backup', 'verify', '-'], { stdin: bytes })
      expect([at, ran.exit, ran.text]).toEqual([at, 1, ''])
    }
  })

  it('refuses what a restore would refuse: whatever row is left out', async () => {
    const rows = rowsOfBackup(whole)
    const verdicts = new Map<string, Set<boolean>>()
    for (const [index, { key }] of rows.entries()) {
      const rest = rows.toSpliced(index, 1)
      const verdict = await passesRestore(rest)
      expect([kindOfRow(key), index, passesInspection(rest)]).toEqual([kindOfRow(key), index, verdict])
      const kind = kindOfRow(key)!
      verdicts.set(kind, (verdicts.get(kind) ?? new Set()).add(verdict))
    }
    expect(passesInspection(rows)).toBe(true)
    for (const kind of ['entry', 'context', 'meta']) expect([kind, ...verdicts.get(kind)!]).toEqual([kind, false])
    expect((await verify(backupWith(rows.slice(1)))).stderr).toMatch(/^error BAD_BACKUP: this backup cannot be used: /)
  })

  it('refuses rows that nothing can read, though their checksums fit', () => {
    for (const { key, value } of rowsOfBackup(whole).filter(({ value: { length } }) => length > 4)) {
      const body = Buffer.concat([value.subarray(0, -4), Buffer.of(0xff)])
      const sum = Buffer.alloc(4)
      sum.writeUInt32LE(crc32(body, crc32(key)))
      const rows = [{ key, value: Buffer.concat([body, sum]) }]
      expect(() => new BackupInspection().take(rows)).toThrow(expect.objectContaining({ code: 'BAD_BACKUP' }))
    }
  })

  it('is a wrong call without a file, and a failure when there is none', async () => {
    expect((await runCli(['backup', 'verify'])).exit).toBe(2)
    expect((await runCli(['backup', 'verify', folder])).exit).toBe(2)
    const missing = await runCli(['backup', 'verify', join(folder, 'none')])
    expect([missing.exit, missing.stderr]).toEqual([1, expect.stringMatching(/^error FILE_FAILED: cannot read/)])
    expect((await runCli(['backup', '--help'])).text).toContain('verify')
  })
})
