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
import type { Backups } from '../../daemon/views/data-view.js'
import type { NodeView } from '../../daemon/views/node-view.js'
import type { WatchFeed } from '../../daemon/watch/hub.js'
import { loadWebFiles } from '../../daemon/web/files.js'
import { Access } from '../../store/data/access.js'
import { UserData } from '../../store/data/user-data.js'
import { HearsayError } from '../../store/errors.js'
import { FakeMeshView } from './fake-mesh-view.js'
import { FakeContents, FakeRegisters, fakeActor } from './fake-registers.js'
import { openNode } from './replicas.js'
import { StillEnvironment } from './still-environment.js'

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
