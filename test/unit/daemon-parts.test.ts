/** Small parts of the daemon: conflicts counted, blocks kept, the late network, readiness told. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Start } from '../../daemon/call-hint.js'
import { BlockList } from '../../daemon/mesh/block-list.js'
import { PeerBook, rememberedMembersMax } from '../../daemon/mesh/peer-book.js'
import { LazyNetwork } from '../../daemon/net/lazy-network.js'
import { ConflictIndex } from '../../daemon/node/conflict-index.js'
import { readyLine } from '../../daemon/ready-line.js'
import { ServiceManager, watchdogIntervalMs } from '../../daemon/service-manager.js'
import { packageVersion } from '../../daemon/version.js'
import type { Network, NetworkListener } from '../../protocols/network.js'
import type { ConflictItem } from '../../store/data/types.js'
import { type Address, register } from '../../store/model/address.js'
import { valueHash } from '../../store/model/digest.js'
import { siblings } from '../../store/model/register.js'
import type { Version } from '../../store/model/update.js'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hs-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

describe('the count of conflicts', () => {
  let stored: Map<string, string[]>
  let scans: number
  let nowMs: number
  let resolving: Promise<void> | undefined

  function version(text: string, counter: number): Version {
    const value = Buffer.from(text)
    const expiresAtMs = text === 'brief' ? 1000 : null
    const dot = { actor: '00000000000000aa', counter }
    return { dot, time: { ms: counter, logical: 0 }, expiresAtMs, value, valueHash: valueHash(value) }
  }

  function index(isMerged: (key: string) => boolean = () => false): ConflictIndex {
    const versions = ({ key }: Address) => (stored.get(key) ?? []).map(version)
    const conflicts = async (query: { after?: string | undefined; limit: number }) => {
      if (query.after === undefined) scans++
      const keys = [...stored.keys()].filter((key) => new Set(stored.get(key)).size > 1).sort()
      const left = keys.filter((key) => key > (query.after ?? ''))
      const items = left
        .slice(0, 1)
        .map((key) => ({ ...register(key), context: '', versions: [] }) as unknown as ConflictItem)
      return { items, next: left.length > 1 ? left[0]! : null }
    }
    const clock = () => ({ nowMs, sharedNowMs: nowMs, clockBoundMs: 60_000 })
    const isInConflict = ({ key }: Address, found: readonly Version[]) =>
      !isMerged(key) && siblings(found, clock()).length > 1
    const prepare = ({ key }: Address) => (key === 'slow' ? resolving : undefined)
    return new ConflictIndex({ versions }, { conflicts, isInConflict, prepare }, async () => {})
  }

  beforeEach(() => {
    stored = new Map([
      ['a', ['1', '2']],
      ['b', ['1']],
      ['c', ['1', '2', '3']],
    ])
    scans = 0
    nowMs = 0
  })

  it('comes from one scan, then from what changed', async () => {
    const conflicts = index()
    expect(await conflicts.count()).toBe(2)
    stored.set('b', ['1', '2'])
    stored.set('a', ['3'])
    expect(await conflicts.count()).toBe(1)
    conflicts.changed(register('b'))
    expect(await conflicts.count()).toBe(2)
    expect(scans).toBe(1)
  })

  it('takes equal values for one, leaves out what has expired, and what a resolver merges', async () => {
    const conflicts = index((key) => key === 'merged')
    await conflicts.count()
    stored = new Map([
      ['a', ['same', 'same']],
      ['c', ['brief', 'lasting']],
      ['merged', ['1', '2']],
    ])
    for (const key of ['a', 'c', 'merged']) conflicts.changed(register(key))
    expect(await conflicts.count()).toBe(1)
    nowMs = 1000
    expect(await conflicts.count()).toBe(0)
  })

  it('waits for a resolver that has to compute first', async () => {
    let isResolved = false
    let resolve!: () => void
    resolving = new Promise<void>((done) => {
      resolve = done
    })
    const conflicts = index((key) => key === 'slow' && isResolved)
    await conflicts.count()
    stored.set('slow', ['1', '2'])
    conflicts.changed(register('slow'))
    const counted = conflicts.count()
    isResolved = true
    resolve()
    expect(await counted).toBe(2)
  })

  it('scans again after more changes than it remembers', async () => {
    const conflicts = index()
    await conflicts.count()
    for (let at = 0; at <= 100_000; at++) conflicts.changed(register(`k${at}`))
    expect(await conflicts.count()).toBe(2)
    expect(scans).toBe(2)
  })
})

describe('the block list', () => {
  const warnings: string[] = []
  const load = () => BlockList.load(directory, (warning) => warnings.push(warning))

  it('survives a restart, is private, and lifts some or all', async () => {
    const list = await load()
    await Promise.all([list.add(['p1', 'p2']), list.add(['p3'])])
    expect((await load()).peers).toEqual(['p1', 'p2', 'p3'])
    expect(statSync(join(directory, 'blocked.json')).mode & 0o777).toBe(0o600)
    await list.remove(['p2'])
    expect([list.has('p1'), list.has('p2')]).toEqual([true, false])
    expect((await load()).peers).toEqual(['p1', 'p3'])
    await list.remove()
    expect((await load()).peers).toEqual([])
    expect(warnings).toEqual([])
  })

  it('says so when its file is damaged', async () => {
    writeFileSync(join(directory, 'blocked.json'), '{"peers":')
    expect((await load()).peers).toEqual([])
    expect(warnings[0]).toContain('blocked.json')
  })
})

describe('the book of members', () => {
  const warnings: string[] = []
  const load = () => PeerBook.load(directory, (warning) => warnings.push(warning))
  const nobody = () => false
  const record = (peer: string) => ({ peer, addresses: [`/ip4/10.0.0.1/tcp/1/p2p/${peer}`] })

  it('names members whose records are lost, and none that were forgotten', async () => {
    const book = await load()
    expect(book.dialled([], nobody)).toEqual([])
    await book.remember(book.dialled([record('a'), record('b')], nobody))
    expect(statSync(join(directory, 'peers.json')).mode & 0o777).toBe(0o600)
    const again = await load()
    expect(again.dialled([], nobody)).toEqual([record('a'), record('b')])
    expect(again.dialled([{ peer: 'a', addresses: ['/ip4/10.0.0.9/tcp/1'] }], nobody)).toEqual([
      { peer: 'a', addresses: ['/ip4/10.0.0.9/tcp/1'] },
      record('b'),
    ])
    await again.remember(again.dialled([], (peer) => peer === 'b'))
    expect((await load()).dialled([], nobody)).toEqual([record('a')])
    expect(warnings).toEqual([])
  })

  it('is empty when its file is damaged, and says so when it cannot be written', async () => {
    writeFileSync(join(directory, 'peers.json'), '{"members": 7')
    const book = await load()
    expect(book.dialled([], nobody)).toEqual([])
    expect(warnings.splice(0).join()).toContain('cannot be read')
    rmSync(directory, { recursive: true })
    await book.remember([record('a')])
    expect(warnings.splice(0).join()).toContain('cannot be written')
  })

  it('is bounded', async () => {
    const book = await load()
    const many = Array.from({ length: rememberedMembersMax + 5 }, (_, at) => record(`p${at}`))
    await book.remember(book.dialled(many, nobody))
    expect((await load()).dialled([], nobody)).toHaveLength(rememberedMembersMax)
  })
})

describe('the late network', () => {
  it('keeps what is registered and hands it on; before that nobody is connected', async () => {
    const lazy = new LazyNetwork('self')
    const protocol = { id: '/p/1', frameBytesMax: 1 }
    const [before, after] = [{} as NetworkListener, {} as NetworkListener]
    const handler = async () => {}
    const receive = () => true
    lazy.handle(protocol, handler)
    lazy.listen(before)
    lazy.onGossip(receive)
    expect(lazy.peers()).toEqual([])
    await lazy.publish(Buffer.from('lost'))
    await expect(lazy.open('p', protocol)).rejects.toMatchObject({ code: 'UNREACHABLE' })
    const calls: unknown[][] = []
    const note =
      (name: string) =>
      (...given: unknown[]) =>
        void calls.push([name, ...given])
    const live = {
      self: 'self',
      peers: () => ['p'],
      handle: note('handle'),
      listen: note('listen'),
      onGossip: note('onGossip'),
      publish: async (bytes: Uint8Array) => note('publish')(bytes),
      open: async (...given: unknown[]) => note('open')(...given),
    }
    lazy.attach(live as unknown as Network)
    lazy.listen(after)
    await lazy.publish(Buffer.from('x'))
    await lazy.open('p', protocol)
    expect(lazy.peers()).toEqual(['p'])
    expect(calls).toEqual([
      ['handle', protocol, handler],
      ['listen', before],
      ['onGossip', receive],
      ['listen', after],
      ['publish', Buffer.from('x')],
      ['open', 'p', protocol],
    ])
  })
})

describe('readiness', () => {
  const ready = {
    node: 'a',
    peer: 'p',
    addresses: ['/ip4/127.0.0.1/tcp/1/p2p/p'],
    api: ['unix:/d/api.sock', 'http://127.0.0.1:2'],
    resp: null,
    dashboard: 'http://127.0.0.1:2/',
  }

  const entry = '/clone/dist/cli/hearsay.js'
  const links: Record<string, string> = { [entry]: entry, '/clone/node_modules/.bin/hearsay': entry }
  const start: Start = {
    entry,
    root: '/clone',
    environment: {},
    workingDirectory: '/clone',
    data: '/d',
    isDefaultData: true,
    realPath: (path) => links[path],
  }
  /** As npm starts a script that was called in a folder. */
  const byNpm = (folder: string) => ({ PATH: '/clone/node_modules/.bin:/usr/bin', INIT_CWD: folder })

  it.each<[string, Partial<Start>, string]>([
    ['`npm start`', { environment: byNpm('/clone') }, 'npx hearsay put hello world'],
    ['`npm start` in a folder of the clone', { environment: byNpm('/clone/docs') }, 'npx hearsay put hello world'],
    ['`npm start` from elsewhere', { environment: byNpm('/cloned') }, `${entry} put hello world`],
    ['its file', { workingDirectory: '/' }, `${entry} put hello world`],
    ['its file, in the clone', {}, 'npx hearsay put hello world'],
    [
      'its name',
      {
        environment: { PATH: '/bin:/usr/bin' },
        realPath: (path) => (path === '/usr/bin/hearsay' ? entry : links[path]),
      },
      'hearsay put hello world',
    ],
    [
      'its name, from the PATH of a shell',
      { environment: { PATH: '/clone/node_modules/.bin' } },
      'hearsay put hello world',
    ],
    [
      'another program of that name on the PATH',
      {
        workingDirectory: '/',
        realPath: (path) => (path === '/bin/hearsay' ? '/other' : links[path]),
        environment: { PATH: '/bin' },
      },
      `${entry} put hello world`,
    ],
    [
      'a data directory of its own',
      { data: "/it's", isDefaultData: false },
      "npx hearsay put hello world --data '/it'\\''s'",
    ],
    ['another API in the shell', { environment: { HEARSAY_API: 'x:1' } }, 'npx hearsay put hello world --data /d'],
  ])('says what can be typed after a start by %s', (_, facts, call) => {
    expect(readyLine(ready, 'text', { ...start, ...facts })).toContain(`Try \`${call}\`, or `)
  })

  it('is one line of JSON, or one for people that says what to do next', () => {
    const json = readyLine(ready, 'json', start)
    expect(json.endsWith('}\n')).toBe(true)
    expect(JSON.parse(json)).toEqual({ msg: 'ready', ...ready })
    const text = readyLine(ready, 'text', start)
    expect(text.trimEnd().split('\n')).toHaveLength(1)
    for (const part of ['node a', '/d', 'http://127.0.0.1:2/', 'hearsay invite']) expect(text).toContain(part)
  })

  it('is told to the service manager, if there is one', async () => {
    const helper = join(directory, 'systemd-notify')
    const told = join(directory, 'told')
    writeFileSync(helper, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> ${told}\n`)
    chmodSync(helper, 0o755)
    const environment = { PATH: `${directory}:/bin:/usr/bin`, NOTIFY_SOCKET: '/run/x' }
    const manager = new ServiceManager({ ...environment, WATCHDOG_USEC: '3000' })
    expect(await manager.ready('node a\nMAINPID=1')).toBe(true)
    await manager.restarting('a reason')
    expect(readFileSync(told, 'utf8')).toMatch(
      /^\/run\/x STATUS=node a MAINPID=1\n\/run\/x READY=1\n[\s\S]*\/run\/x STATUS=restarting: a reason\n/,
    )
    while (!readFileSync(told, 'utf8').includes('WATCHDOG=1\n')) await new Promise((resolve) => setImmediate(resolve))
    await manager.stopping()
    expect(readFileSync(told, 'utf8')).toContain('/run/x STOPPING=1\n')
    expect(await new ServiceManager({ PATH: environment.PATH }).ready('x')).toBe(false)
    const helpless = { PATH: join(directory, 'none'), NOTIFY_SOCKET: '/run/x' }
    expect(await new ServiceManager(helpless).ready('x')).toBe(false)
  })

  it.each<[string | undefined, string | undefined, number | undefined]>([
    ['120000000', undefined, 40_000],
    ['120000000', '7', 40_000],
    ['120000000', '8', undefined],
    [undefined, '7', undefined],
    ['0', undefined, undefined],
    ['nonsense', undefined, undefined],
  ])('beats for a watchdog of %s us of process %s every %s ms', (WATCHDOG_USEC, WATCHDOG_PID, intervalMs) => {
    expect(watchdogIntervalMs({ WATCHDOG_USEC, WATCHDOG_PID }, 7)).toBe(intervalMs)
  })
})

it('knows its version', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  expect(packageVersion()).toBe(version)
})
