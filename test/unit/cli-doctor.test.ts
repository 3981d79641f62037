/** `hearsay doctor` against a fake daemon, and for a node whose daemon does not run. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { examineStopped } from '../../daemon/doctor/stopped.js'
import type { Finding } from '../../protocols/api/doctor.js'
import { problem } from '../support/fake-api.js'
import { against, stopFakes } from '../support/run-against.js'
import { runCli } from '../support/run-cli.js'

const folders: string[] = []
afterEach(async () => {
  await stopFakes()
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
})

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'hearsay-doctor-'))
  folders.push(made)
  return made
}

const findings: Finding[] = [
  {
    level: 'fail',
    check: 'disk',
    text: '200 MiB free of 64 GiB',
    remedy: 'free space, or move the data directory to a larger disk and then some more words',
  },
  { level: 'warn', check: 'member', text: 'pi: away\u001b[2J', remedy: null },
  { level: 'ok', check: 'clocks', text: 'within 40 ms of each other', remedy: null },
]

describe('doctor', () => {
  test('prints each finding with its remedy, and ends with 1 when a check failed', async () => {
    const plain = { terminal: true, environment: { NO_COLOR: '1' } }
    const ran = await against({ body: { findings } }, ['doctor'], plain)
    expect(ran).toMatchObject({ exit: 1, stderr: '' })
    expect(ran.text).toBe(
      [
        'fail  disk: 200 MiB free of 64 GiB',
        '      next: free space, or move the data directory to a larger disk and then',
        '      some more words',
        'warn  member: pi: away\\u001b[2J',
        'ok    clocks: within 40 ms of each other\n',
      ].join('\n'),
    )
    expect((await against({ body: { findings: findings.slice(1) } }, ['doctor'])).exit).toBe(0)
  })

  test('prints one object with --json, and asks about one member', async () => {
    const ran = await against({ body: { findings } }, ['doctor', 'pi', '--json'])
    expect(JSON.parse(ran.text)).toEqual({ findings })
    expect([ran.exit, ran.requests[0]?.url]).toEqual([1, '/v1/doctor?peer=pi'])
    const unknown = await against(problem(404, 'NOT_FOUND', 'there is no member nobody'), ['doctor', 'nobody'])
    expect(unknown).toMatchObject({ exit: 3, text: '' })
    expect(unknown.stderr).toContain('next: see who is there with `hearsay members`')
  })

  test('says that a daemon that is named by its address does not answer, with exit code 6', async () => {
    const api = `unix:${join(await folder(), 'none.sock')}`
    const ran = await runCli(['doctor', '--json'], { environment: { HEARSAY_API: api } })
    expect([ran.exit, ran.stderr]).toEqual([6, ''])
    expect(JSON.parse(ran.text).findings).toMatchObject([{ level: 'fail', check: 'daemon' }])
  })
})

describe('a node whose daemon does not run', () => {
  /** Without what is said of the variables of whoever runs this. */
  const lines = async (flags: Record<string, unknown>) =>
    (await examineStopped({ listen: ['/ip4/127.0.0.1/tcp/0'], ...flags }))
      .filter(({ text }) => !/^the variable HEARSAY_\w+ is not a setting/.test(text))
      .map(({ level, check, text, remedy }) => `${level} ${check}: ${text} > ${remedy}`)

  test('has a data directory, space, and ports that are free', async () => {
    const data = await folder()
    expect(await lines({ data })).toEqual([
      `ok data: ${data} holds no store yet > null`,
      expect.stringMatching(/^(ok|warn|fail) disk: .* free of /),
    ])
    expect((await lines({ data: join(data, 'none') }))[0]).toMatch(/^warn data: .*none does not exist; the first start/)
    await writeFile(join(data, 'file'), '')
    expect((await lines({ data: join(data, 'file') }))[0]).toMatch(/^fail data: .*file is no directory/)
    await mkdir(join(data, 'store'))
    await writeFile(join(data, 'store.suspect'), '')
    expect((await lines({ data })).join('\n')).toMatch(/warn store: it was damaged and repaired/)
  })

  test('says which port is in use, and by which flag another is chosen', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const data = await folder()
    const listen = [`/ip4/127.0.0.1/tcp/${port}`]
    expect((await lines({ data, listen }))[0]).toMatch(/^fail ports: .* is in use > stop the program .* with --listen$/)
    expect((await lines({ data, api: [`127.0.0.1:${port}`] }))[0]).toMatch(/^fail ports: .* with --api$/)
    await new Promise((resolve) => server.close(resolve))
    expect((await lines({ data, listen })).join('\n')).toMatch(/^ok ports: .* can be listened on > null$/m)
  })

  test('says what is wrong with its settings', async () => {
    const data = await folder()
    expect(await lines({ data, 'sync-interval': 'soon' })).toEqual([
      expect.stringMatching(/^fail settings: .*soon.* > correct it; nothing else was checked$/),
    ])
  })
})
