/** `hearsay backup` against a fake daemon: a file is there whole and private, or not at all. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exitOf } from '../../cli/failure.js'
import { BackupEncoder } from '../../store/backup/format.js'
import { formatVersion } from '../../store/keyspace.js'
import { type FakeAnswer, type FakeApi, problem, startFakeApi } from '../support/fake-api.js'
import { type CliRun, runCli, type Setting } from '../support/run-cli.js'

const head = { layout: formatVersion, takenAtMs: 0, software: '1', node: 'ann', peer: 'p' }
const keys = { seed: new Uint8Array(32), secret: new Uint8Array(32) }

function start(): [BackupEncoder, Buffer] {
  const encoder = new BackupEncoder()
  return [encoder, encoder.start(head, keys)]
}

function whole(): Buffer {
  const [encoder, first] = start()
  return Buffer.concat([first, encoder.finish()])
}

describe('backup', () => {
  let folder: string
  let file: string
  let fake: FakeApi | undefined
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hearsay-cli-backup-'))
    file = join(folder, 'x.backup')
  })
  afterEach(async () => {
    await fake?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  async function against(answer: FakeAnswer, args: readonly string[], setting: Setting = {}): Promise<CliRun> {
    fake = await startFakeApi(() => answer)
    return runCli(args, { ...setting, environment: { HEARSAY_API: fake.api } })
  }

  test('writes a file that only its owner can read, under its name alone', async () => {
    const ran = await against({ body: whole() }, ['backup', file])
    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    expect(ran.text).toContain('saved ann to ')
    expect(readFileSync(file)).toEqual(whole())
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['x.backup'])
  })

  test('says what it did in JSON', async () => {
    const { text } = await against({ body: whole() }, ['backup', file, '--json'])
    const taken = '1970-01-01T00:00:00.000Z'
    expect(JSON.parse(text)).toEqual({ file, node: 'ann', taken, bytes: whole().length, rows: {} })
  })

  test('writes to stdout nothing but the bytes, and not to a terminal', async () => {
    const ran = await against({ body: whole() }, ['backup', '-'])
    expect(ran).toMatchObject({ exit: 0, stderr: '' })
    expect(ran.stdout).toEqual(whole())
    expect((await runCli(['backup', '-'], { terminal: true })).exit).toBe(2)
  })

  test('is an error when the reader of stdout goes away: half a backup is none', async () => {
    const ran = await against({ body: whole() }, ['backup', '-'], { stdoutFails: 'EPIPE' })
    expect(ran.exit).toBe(1)
    expect(ran.stderr).toMatch(
      /^error FILE_FAILED: cannot write stdout: its reader closed it before the backup was complete/,
    )
  })

  test('leaves a file that is there alone, and replaces it with --force', async () => {
    writeFileSync(file, 'before')
    chmodSync(file, 0o644)
    const refused = await against({ body: whole() }, ['backup', file])
    expect(refused.exit).toBe(1)
    expect(refused.stderr).toContain('WOULD_OVERWRITE')
    expect(fake?.requests).toEqual([])
    expect(readFileSync(file, 'utf8')).toBe('before')
    await fake?.stop()
    expect((await against({ body: whole() }, ['backup', file, '--force'])).exit).toBe(0)
    expect(readFileSync(file)).toEqual(whole())
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test.each<[string, FakeAnswer, string]>([
    ['ends too early', { body: whole().subarray(0, -9) }, 'BAD_BACKUP'],
    ['is none', { body: Buffer.from('<html>') }, 'BAD_BACKUP'],
    ['is cut', { body: whole().subarray(0, 30), cut: 'within' }, 'UNREACHABLE_DAEMON'],
    ['is broken off', { body: brokenOff() }, 'DAMAGED_VALUE'],
    ['is refused', problem(503, 'NOT_VERIFIED', 'not yet'), 'NOT_VERIFIED'],
  ])('that %s leaves no file, nor touches one that is there', async (_, answer, code) => {
    const ran = await against(answer, ['backup', file])
    expect(ran.exit).toBe(exitOf(code, 0))
    expect(ran.stderr).toContain(code)
    expect(readdirSync(folder)).toEqual([])
    await fake?.stop()
    writeFileSync(file, 'before')
    expect((await against(answer, ['backup', file, '--force'])).exit).toBe(exitOf(code, 0))
    expect(readdirSync(folder)).toEqual(['x.backup'])
    expect(readFileSync(file, 'utf8')).toBe('before')
  })

  test('shows progress on a terminal', async () => {
    expect((await against({ body: whole() }, ['backup', file], { terminal: true })).stderr).toContain('0 rows')
  })

  test('into what is no file is a wrong call, into a folder that is not there a failure', async () => {
    expect((await against({ body: whole() }, ['backup', folder, '--force'])).exit).toBe(2)
    await fake?.stop()
    const missing = await against({ body: whole() }, ['backup', join(folder, 'none', 'x')])
    expect(missing.exit).toBe(1)
    expect(missing.stderr).toMatch(/^error FILE_FAILED: cannot write .*none\/x: no such file or folder/)
    expect((await runCli(['restore', join(folder, 'none')])).exit).toBe(1)
    expect((await runCli(['restore', folder])).exit).toBe(2)
  })
})

function brokenOff(): Buffer {
  const [encoder, first] = start()
  return Buffer.concat([first, encoder.fail('DAMAGED_VALUE', 'a record is damaged')])
}
