/**
 * Fakes of what the HTTP API works with: registers in memory, a mesh that answers as a test says; the other types are
 * the real ones, in memory.
 */
import { type Config, loadConfig } from '../../daemon/config/load.js'
import { openApiText } from '../../daemon/http/openapi.js'
import type { ApiServices } from '../../daemon/http/services.js'
import { SignIn } from '../../daemon/http/sign-in/sign-in.js'
import { statusJson } from '../../daemon/http/status.js'
import { UndoLog } from '../../daemon/http/undo-log.js'
import { LiveHub } from '../../daemon/live/hub.js'
import { SessionLog } from '../../daemon/live/session-log.js'
import { type Log, silentLog } from '../../daemon/log/log.js'
import type { Backups, Contents, Registers } from '../../daemon/views/data-view.js'
import type { Mesh } from '../../daemon/views/mesh-view.js'
import type { NodeView } from '../../daemon/views/node-view.js'
import type { WatchFeed } from '../../daemon/watch/hub.js'
import { loadWebFiles } from '../../daemon/web/files.js'
import type { MemberStatus, Waited } from '../../protocols/membership/types.js'
import type { ComparedEntry } from '../../protocols/sync/core/conversation.js'
import { Access } from '../../store/data/access.js'
import type { Content } from '../../store/data/contents.js'
import type { KeyRange } from '../../store/data/scan.js'
import type {
  ConflictItem,
  CountedKeys,
  ListItem,
  Page,
  Reopened,
  Resolution,
  SettledVersion,
  Shown,
  ShownVersion,
  WriteOptions,
  Written,
} from '../../store/data/types.js'
import { UserData } from '../../store/data/user-data.js'
import { HearsayError } from '../../store/errors.js'
import { type Address, register } from '../../store/model/address.js'
import { type Dot, dotText, sameDot } from '../../store/model/dot.js'
import { openNode } from './replicas.js'
import { StillEnvironment } from './still-environment.js'

/** The actor of all dots here. */
export const fakeActor = '00000000000000aa'

const member = 'bbbbbbbbbbbbbbbb'

/** Registers without a store: tokens are lists of dots in the clear. */
export class FakeRegisters implements Registers {
  readonly versions = new Map<string, ShownVersion[]>()
  readonly retries = new Map<string, { hash: string; written: Written }>()
  /** Keys whose values fail their checksum. */
  readonly damaged = new Set<string>()
  /** Error with which writes fail, when set. */
  failure: HearsayError | undefined
  #counter = 0

  get(key: string): Shown | undefined {
    if (this.damaged.has(key)) throw new HearsayError('DAMAGED_VALUE', `the value of "${key}" is damaged`)
    const versions = this.versions.get(key) ?? []
    if (versions.length === 0) return undefined
    const [first] = versions
    return { key, versions, winnerContext: token(key, [first!]), context: token(key, versions) }
  }

  prepare(): undefined {}

  async put(key: string, value: Uint8Array, options: WriteOptions): Promise<Written> {
    if (this.failure !== undefined) throw this.failure
    const { retry } = options
    if (retry !== undefined) {
      const hash = Buffer.from(retry.requestHash).toString('hex')
      const earlier = this.retries.get(retry.key)
      if (earlier !== undefined) {
        if (earlier.hash === hash) return earlier.written
        throw new HearsayError('RETRY_KEY_REUSED', 'another request used this key')
      }
      const written = await this.#write(key, value, options)
      this.retries.set(retry.key, { hash, written })
      return written
    }
    return this.#write(key, value, options)
  }

  async #write(key: string, value: Uint8Array, options: WriteOptions): Promise<Written> {
    await options.guard?.()
    const before = this.versions.get(key) ?? []
    if (options.ifAbsent === true && before.length > 0) throw new HearsayError('EXISTS', `"${key}" exists`)
    const seen = options.context === undefined ? before.slice(0, 1).map(dotOf) : dotsOf(key, options.context)
    const kept = before.filter((version) => !seen.includes(dotOf(version)))
    return this.add(key, value, kept, options.expiresAtMs ?? null)
  }

  /** Adds a version in front of others. */
  add(key: string, value: Uint8Array, kept = this.versions.get(key) ?? [], expiresAtMs: number | null = null): Written {
    const counter = ++this.#counter
    const made = {
      dot: { actor: fakeActor, counter },
      member,
      time: { ms: 1000 + counter, logical: 0 },
      expiresAtMs,
      value,
    }
    this.versions.set(key, [made, ...kept])
    return { dot: made.dot, context: token(key, [made]) }
  }

  async delete(key: string, options: WriteOptions): Promise<Written> {
    await options.guard?.()
    const before = this.versions.get(key) ?? []
    if (before.length === 0) throw new HearsayError('NOT_FOUND', `there is no "${key}"`)
    if (before.length > 1 && options.all !== true && options.context === undefined) {
      throw new HearsayError('CONFLICT', `"${key}" is in conflict`, { siblings: before.length })
    }
    const seen = options.context === undefined ? before.map(dotOf) : dotsOf(key, options.context)
    const kept = before.filter((version) => !seen.includes(dotOf(version)))
    if (kept.length > 0) this.versions.set(key, kept)
    else this.versions.delete(key)
    return { dot: { actor: fakeActor, counter: ++this.#counter }, context: '' }
  }

  async list(query: KeyRange & { limit: number }): Promise<Page<ListItem>> {
    const keys = this.#keysIn(query)
    const page = keys.slice(0, query.limit)
    const items = page.map((key) => ({ key, types: ['reg'] as const, siblings: this.versions.get(key)!.length }))
    return { items, next: keys.length > page.length ? page.at(-1)! : null }
  }

  async count(range: KeyRange): Promise<CountedKeys> {
    const keys = this.#keysIn(range).length
    return { keys, types: new Map([['reg', keys]]), next: null }
  }

  #keysIn({ prefix, after, until, reverse }: KeyRange): string[] {
    const keys = [...this.versions.keys()].sort().filter((key) => key.startsWith(prefix))
    if (reverse) keys.reverse()
    const isBeyond = (key: string, bound: string) => (reverse ? key < bound : key > bound)
    return keys.filter(
      (key) => (after === undefined || isBeyond(key, after)) && (until === undefined || !isBeyond(key, until)),
    )
  }

  async conflicts(query: { prefix: string; after?: string; limit: number }): Promise<Page<ConflictItem>> {
    const page = await this.list({ ...query, limit: Number.MAX_SAFE_INTEGER })
    const all = page.items.filter((item) => item.siblings > 1)
    const items = all.slice(0, query.limit).map(({ key }) => {
      const versions = this.versions.get(key)!
      return { key, type: 'reg' as const, field: new Uint8Array(0), context: token(key, versions), versions }
    })
    return { items, next: all.length > items.length ? items.at(-1)!.key : null }
  }

  async resolve(key: string, resolution: Resolution, options: { context?: string }): Promise<Written> {
    const versions = this.versions.get(key) ?? []
    if (options.context !== undefined && dotsOf(key, options.context).length < versions.length) {
      throw new HearsayError('STALE_CONTEXT', 'a newer sibling has come')
    }
    if ('merge' in resolution) throw new HearsayError('BAD_REQUEST', 'no resolver')
    const value = 'value' in resolution ? resolution.value : versions[resolution.pick - 1]!.value
    return { ...this.add(key, value, []), settled: versions }
  }

  async reopen(key: string, resolution: Dot, settled: readonly SettledVersion[]): Promise<Reopened> {
    const [only] = this.versions.get(key) ?? []
    if (only === undefined || !sameDot(only.dot, resolution)) throw new HearsayError('STALE_CONTEXT', 'written again')
    this.versions.delete(key)
    const dots = settled.toReversed().map(({ value }) => this.add(key, value).dot)
    return { dots: dots.toReversed(), context: token(key, this.versions.get(key)!) }
  }
}

/** Exports and imports: the fake registers; other types as they are in memory. */
class FakeContents implements Contents {
  readonly #registers: FakeRegisters
  readonly #real: Contents

  constructor(registers: FakeRegisters, real: Contents) {
    this.#registers = registers
    this.#real = real
  }

  async *entries(prefix: string): AsyncGenerator<readonly Content[]> {
    const { versions, damaged } = this.#registers
    for (const key of [...versions.keys()].sort().filter((one) => one.startsWith(prefix))) {
      const error = new HearsayError('DAMAGED_VALUE', `the value of "${key}" is damaged`)
      const address = register(key)
      if (damaged.has(key)) yield [{ kind: 'damaged', address, error }]
      else yield [{ kind: 'versions', address, versions: versions.get(key)! }]
    }
    yield* this.#real.entries(prefix)
  }

  async importVersion(
    address: Address,
    value: Uint8Array,
    options: { expiresAtMs: number | null; extra: boolean },
  ): Promise<boolean> {
    if (address.type !== 'reg') return this.#real.importVersion(address, value, options)
    const { failure, versions } = this.#registers
    if (failure !== undefined) throw failure
    const before = versions.get(address.key) ?? []
    if (before.some((version) => Buffer.compare(version.value, value) === 0)) return false
    this.#registers.add(address.key, value, options.extra ? before : before.slice(1), options.expiresAtMs)
    return true
  }

  importMember = (key: string, member: Uint8Array) => this.#real.importMember(key, member)
  importCounter = (key: string, value: bigint) => this.#real.importCounter(key, value)
  importDocument: Contents['importDocument'] = (key, saved) => this.#real.importDocument(key, saved)
  importOpaque: Contents['importOpaque'] = (address, versions) => this.#real.importOpaque(address, versions)
  importJson: Contents['importJson'] = (key, json, bytesMax) => this.#real.importJson(key, json, bytesMax)
}

const dotOf = (version: ShownVersion) => dotText(version.dot)

function token(key: string, versions: readonly ShownVersion[]): string {
  return Buffer.from(JSON.stringify([key, ...versions.map(dotOf)])).toString('base64url')
}

function dotsOf(key: string, context: string): string[] {
  try {
    const [of, ...dots] = JSON.parse(Buffer.from(context, 'base64url').toString()) as string[]
    if (of === key) return dots
  } catch {
    // Answered below.
  }
  throw new HearsayError('BAD_CONTEXT', 'this context is malformed, altered, or of another key')
}

/** A mesh of one other member, `b`; everything it was asked is kept in `calls`. */
export class FakeMeshView implements Mesh {
  readonly name: string = 'a'
  readonly peer: string = 'peer-a'
  readonly calls: [string, ...unknown[]][] = []
  readonly blockedPeers = new Set<string>()
  /** Entries that `b` holds otherwise. */
  differences: ComparedEntry[] = []
  quorum = true
  clockOff: number | null = null
  acks = 1
  waits = true

  addresses = () => ['/ip4/127.0.0.1/tcp/7400']
  nameOf = (tag: string) => (tag === member ? 'b' : tag)
  members = (): MemberStatus[] => [memberB]
  blocked = () => [...this.blockedPeers]
  warnings = () => ['mesh warning']
  notices = () => [{ about: 'names', text: 'mesh warning' }]
  syncCondition = () => ({ connectedForMs: 9_000, sinceGoodMs: 2_000, lastFailure: null })
  invite = async () => 'hearsay-token'
  proveQuorum = async () => this.quorum
  clockOffMs = () => this.clockOff
  where = async () => ({ nodes: ['a'], missing: ['c'], unknown: ['b'] })

  async join(given: string): Promise<void> {
    this.calls.push(['join', given])
    if (given === 'bad') throw new HearsayError('BAD_TOKEN', 'malformed')
    if (given === 'far') throw new HearsayError('UNREACHABLE', 'no answer')
  }
  async forget(name: string): Promise<void> {
    this.calls.push(['forget', name])
    if (name !== 'b') throw new HearsayError('NOT_FOUND', `there is no member ${name}`)
  }
  async block(peers: readonly string[]): Promise<void> {
    if (!peers.every((peer) => peer === 'b')) throw new HearsayError('NOT_FOUND', 'there is no such member')
    for (const peer of peers) this.blockedPeers.add(peer)
  }
  async unblock(peers?: readonly string[]): Promise<void> {
    for (const peer of peers ?? [...this.blockedPeers]) this.blockedPeers.delete(peer)
  }
  async sync(peer?: string) {
    this.calls.push(['sync', peer])
    if (peer !== undefined && peer !== 'b') throw new HearsayError('NOT_FOUND', 'there is no such peer')
    return [
      {
        peer: 'b',
        mode: 'delta' as const,
        roundTrips: 2,
        bytesSent: 1,
        bytesReceived: 2,
        entriesSent: 3,
        entriesReceived: 4,
        ended: 'complete',
      },
    ]
  }
  async diff(peer: string, entriesMax: number) {
    this.calls.push(['diff', peer, entriesMax])
    if (peer === 'far') throw new HearsayError('UNREACHABLE', 'far is not connected')
    if (peer !== 'b') throw new HearsayError('NOT_FOUND', 'there is no such peer')
    return { name: 'b', entries: this.differences.slice(0, entriesMax), more: this.differences.length > entriesMax }
  }
  async awaitAcks(dot: object, want: number | 'majority' | 'all', timeoutMs: number) {
    this.calls.push(['awaitAcks', dot, want, timeoutMs])
    return {
      have: this.acks,
      want: want === 'majority' || want === 'all' ? 2 : want,
      nodes: ['a', 'b'].slice(0, this.acks),
    }
  }
  async wait(condition: object): Promise<Waited> {
    this.calls.push(['wait', condition])
    const away = { name: 'b', peer: 'b', reason: 'away' as const, awayMs: 59_200, behind: 3 }
    return { isTrue: this.waits, missing: this.waits ? [] : [away], isUnverified: false }
  }
  async readRepair(address: { key: string }, consistency: string, timeoutMs: number): Promise<void> {
    this.calls.push(['readRepair', address.key, consistency, timeoutMs])
    if (!this.quorum) throw new HearsayError('NO_QUORUM', 'too few members answered')
  }
}

const memberB: MemberStatus = {
  name: 'b',
  peer: 'peer-b',
  connected: true,
  blocked: false,
  converged: false,
  behind: 3,
  ahead: 1,
  lastSeenMs: 1_700_000_000_123,
  lastEqualMs: null,
  hints: { updates: 3, bytes: 99, sinceMs: 1_700_000_000_000 },
  addresses: ['/ip4/127.0.0.1/tcp/7401'],
  version: '0.1.0',
  clockOffsetMs: -2,
  root: '0badcafe',
  hears: [],
}

/** A node at rest. */
export class FakeNode implements NodeView {
  readonly version = '0.1.0'
  failed: HearsayError | undefined
  actor = () => fakeActor
  entries = () => 7
  root = () => 'ab'.repeat(16)
  contextDigest = () => 'cd'.repeat(16)
  countConflicts = async () => 1
  logBytes = () => 0
  isVerified = () => true
  isSyncing = () => false
  obstacle = () => this.failed
  unverifiedReason = () => null
  warnings = () => ['store warning']
  notices = () => [{ about: 'damage', text: 'store warning' }]
  verification = () => null
  clashes = () => ({ count: 0, dots: [] })
  counters = () => ({ gossip_messages_published: 5 })
  histograms = () => []
}

/** A feed that nobody may watch. */
const closedFeed: WatchFeed = {
  open: async () => {
    throw new HearsayError('TOO_MANY_WATCHERS', 'this fake serves no reader')
  },
}

/** All fakes together, as the API takes them. */
export interface FakeServices extends ApiServices {
  readonly registers: FakeRegisters
  /** Every type as it really is, in memory. */
  readonly real: UserData
  readonly mesh: FakeMeshView
  readonly node: FakeNode
  readonly backups: FakeBackups
  readonly live: LiveHub
  /** Sessions that the live stream shows. */
  readonly sessions: SessionLog
  /** Time of links, browsers and the live stream. */
  readonly environment: StillEnvironment
  /** May be replaced by a test. */
  watch: WatchFeed
}

/** Backups of a few bytes. */
export class FakeBackups implements Backups {
  refusal: HearsayError | undefined
  pieces = ['first ', 'second']

  take(): AsyncGenerator<Buffer> {
    if (this.refusal !== undefined) throw this.refusal
    const pieces = this.pieces.map((piece) => Buffer.from(piece))
    return (async function* () {
      yield* pieces
    })()
  }
}

/** The wall clock of all fakes, in milliseconds since 1970. */
export const fakeNowMs = 1_700_000_000_000

/**
 * Fresh fakes; `flags` as for the daemon. Nodes that exchange documents have seeds of their own: equal ones draw equal
 * ids.
 */
export async function fakeServices(
  flags: Record<string, unknown> = {},
  log: Log = silentLog,
  seed = 'api',
): Promise<FakeServices> {
  const config: Config = await loadConfig({
    flags: { data: '/nonexistent', ...flags },
    environment: {},
    home: '/',
    hostname: 'a',
  })
  const environment = new StillEnvironment(seed, fakeNowMs)
  const { replica } = await openNode('api', {}, environment)
  const real = new UserData(new Access(replica, () => Buffer.alloc(32, 1)))
  const registers = new FakeRegisters()
  const mesh = new FakeMeshView()
  const node = new FakeNode()
  const sessions = new SessionLog(() => fakeNowMs)
  const live = new LiveHub({
    environment,
    sessions,
    names: { memberOf: replica.memberOf, nameOf: (member) => mesh.nameOf(member) },
    status: () => statusJson({ mesh, node }),
    bytes: () => ({ gossip: { in: 0, out: 0 }, heartbeat: { in: 0, out: 0 } }),
    rss: () => 0,
  })
  return {
    ...real.services(),
    registers,
    environment,
    contents: new FakeContents(registers, real.contents),
    real,
    mesh,
    node,
    backups: new FakeBackups(),
    watch: closedFeed,
    live,
    sessions,
    undos: new UndoLog(),
    openApi: openApiText,
    web: loadWebFiles(),
    signIn: new SignIn(environment),
    config,
    log,
    nowMs: () => fakeNowMs,
    stopping: new AbortController().signal,
  }
}
