/** One running daemon: the order in which its parts start and stop. */
import { setMaxListeners } from 'node:events'
import { homedir, hostname, tmpdir } from 'node:os'
import { memberTag } from '../protocols/membership/core/record.js'
import { HearsayError } from '../store/errors.js'
import type { OpenedStore } from '../store/open.js'
import { parseApiAddress } from './config/checks.js'
import { type Config, loadConfig } from './config/load.js'
import { createApi } from './http/app.js'
import { loadApiToken } from './http/listening/api-token.js'
import { KeptSocket } from './http/listening/kept-socket.js'
import { Listeners } from './http/listening/listeners.js'
import { openApiText } from './http/openapi.js'
import type { Api, ApiServices } from './http/services.js'
import { SignIn } from './http/sign-in/sign-in.js'
import { statusJson } from './http/status.js'
import { UndoLog } from './http/undo-log.js'
import { LiveHub } from './live/hub.js'
import { protocolBytes } from './live/rates.js'
import { SessionLog } from './live/session-log.js'
import { createLog, type Log } from './log/log.js'
import { BlockList } from './mesh/block-list.js'
import { DaemonMesh } from './mesh/mesh.js'
import { PeerBook } from './mesh/peer-book.js'
import { type Identity, loadIdentity, loadMeshSecret, replaceIdentity } from './net/identity.js'
import { realEnvironment } from './net/real-environment.js'
import { NodeBackups } from './node/backups.js'
import { lockStore, StoredNode } from './node/stored-node.js'
import { TableDamage } from './node/table-damage.js'
import { makePrivateFolder } from './private-files.js'
import type { Ready } from './ready-line.js'
import { WatchHub } from './watch/hub.js'
import { loadWebFiles } from './web/files.js'

/** Time for requests under way to end once the daemon stops, in milliseconds. */
const requestGraceMs = 1_500

/** Options of a start. */
export interface StartOptions {
  /** Flags by their long names. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment: NodeJS.ProcessEnv
  /** Receiver of log lines; stderr when absent. */
  readonly writeLog?: (line: string) => void
  /** Restart that led to this start: its reason, which may be shown, and what this run is to do about it. */
  readonly after?: Restart
  /** True if one more new start because of a disk that works again is allowed now, which is then counted. */
  readonly mayRestart?: () => boolean
}

/** Reason for which a daemon is to be stopped and restarted. */
export interface Restart {
  /**
   * `damage`: to save what is readable of the store. `identity`: it has a new peer id. `disk`: to read what a failed
   * write left.
   */
  readonly kind: 'damage' | 'identity' | 'disk'
  readonly reason: string
  /** An invitation to be used at once. */
  readonly token?: string | undefined
}

/** A start that found the files of the store damaged, and has marked them: the next start repairs them. */
export class RestartNeeded extends Error {
  constructor(
    readonly restart: Restart,
    cause: unknown,
  ) {
    super(restart.reason, { cause })
  }
}

/** A daemon that serves clients and peers. */
export class RunningDaemon {
  /** Parts that are running; stopped in the reverse order at the end. */
  readonly #parts: { readonly name: string; stop(): Promise<void> | void }[] = []
  readonly #stopping = new AbortController()
  /** Resolves when this daemon is to be stopped and restarted. */
  readonly restartNeeded: Promise<Restart>
  #needRestart!: (restart: Restart) => void
  #stopped: Promise<void> | undefined
  #isIdentityLost = false
  readonly #mayRestart: () => boolean
  #opened: OpenedStore | undefined

  private constructor(
    readonly config: Config,
    readonly log: Log,
    mayRestart: () => boolean,
  ) {
    this.#mayRestart = mayRestart
    // Each request that waits listens to it.
    setMaxListeners(0, this.#stopping.signal)
    this.restartNeeded = new Promise((resolve) => {
      this.#needRestart = resolve
    })
  }

  /**
   * Starts a daemon; resolves when it serves clients and peers. What began is undone when it fails. Throws
   * RestartNeeded where a new start helps.
   */
  static async start(options: StartOptions): Promise<{ daemon: RunningDaemon; ready: Ready }> {
    const { flags, environment, writeLog } = options
    const config = await loadConfig({ flags, environment, home: environment.HOME ?? homedir(), hostname: hostname() })
    const { logFormat: format, logLevel: level } = config.settings
    const log = createLog({ format, level, ...(writeLog === undefined ? {} : { write: writeLog }) })
    const daemon = new RunningDaemon(config, log, options.mayRestart ?? (() => false))
    try {
      return { daemon, ready: await daemon.#start(environment, options.after) }
    } catch (error) {
      const restart = await daemon.#restartAfter(error, options.after)
      await daemon.stop()
      throw restart === undefined ? error : new RestartNeeded(restart, error)
    }
  }

  /**
   * Damage in the files is met by whatever reads first, also before anything could be verified. Undefined when a new
   * start would not help.
   */
  async #restartAfter(error: unknown, after: Restart | undefined): Promise<Restart | undefined> {
    const isDamaged = error instanceof HearsayError && error.code === 'DAMAGED_VALUE'
    if (!isDamaged || this.#opened === undefined) return undefined
    let restart: Restart | undefined
    const onRestartNeeded = (reason: string) => {
      restart = { kind: 'damage', reason, token: after?.token }
    }
    await new TableDamage({ opened: this.#opened, log: this.log, onRestartNeeded }).found()
    if (restart !== undefined) this.log.info({ event: 'restarting', reason: restart.reason }, 'restarting')
    return restart
  }

  /** Ends what is under way, flushes and closes; safe to call twice. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll()
    return this.#stopped
  }

  async #start(environment: NodeJS.ProcessEnv, after: Restart | undefined): Promise<Ready> {
    const { settings } = this.config
    const warnings = [...this.config.warnings]
    if (settings.resp !== null) warnings.push('resp is set, but this version does not serve the Redis protocol')
    for (const warning of warnings) this.log.warn({ event: 'setting' }, warning)
    if (after?.kind === 'identity') warnings.push(after.reason)
    makePrivateFolder(settings.data)
    const opened = await lockStore(settings.data)
    this.#opened = opened
    this.#add('store', () => opened.store.close())
    const identity = await loadIdentity(settings.data)
    const secret = await loadMeshSecret(settings.data)
    const warn = (warning: string) => this.log.warn({ event: 'savedState' }, warning)
    const blocks = await BlockList.load(settings.data, warn)
    const book = await PeerBook.load(settings.data, warn)
    const node = await StoredNode.open({
      settings,
      opened,
      member: memberTag(identity.peer),
      secret,
      environment: realEnvironment,
      log: this.log,
      warnings,
      onRestartNeeded: (kind, reason) => this.#needRestart({ kind, reason }),
      mayRestart: this.#mayRestart,
    })
    this.#add('replica', () => node.close())
    const sessions = new SessionLog(realEnvironment.nowMs)
    const mesh = await DaemonMesh.create({
      watchSession: sessions.watch,
      ...{ node, settings, identity, secret, blocks, book, log: this.log },
      onIdentityLost: (reason, token) => void this.#takeIdentity(identity, reason, token),
    })
    this.#add('mesh', () => mesh.stop())
    const { nowMs } = realEnvironment
    const backups = new NodeBackups({ node, identity, mesh, log: this.log, nowMs })
    const watch = this.#watch(node, mesh)
    sessions.nameOf = (member) => mesh.nameOf(member)
    const live = this.#live(node, mesh, sessions)
    const api = await this.#serve({ ...node.data.services(), node, mesh, watch, live, backups, nowMs }, environment)
    node.replica.health.onChange(() => {
      mesh.verificationChanged()
      node.verificationChanged()
    })
    void node.verify()
    await mesh.start()
    const join = after?.token ?? settings.join
    if (join !== null) await mesh.joinAtStart(join)
    const [dashboard = null] = api.filter((url) => url.startsWith('http://')).map((url) => `${url}/`)
    return { node: mesh.name, peer: mesh.peer, addresses: mesh.addresses(), api, resp: null, dashboard }
  }

  /** The hub of the change feed; what the run before held for readers is held from here on. */
  #watch(node: StoredNode, mesh: DaemonMesh): WatchHub {
    const watch = new WatchHub({
      replica: node.replica,
      environment: realEnvironment,
      nameOf: (member) => mesh.nameOf(member),
    })
    node.onCommit((commit) => watch.committed(commit))
    node.addCounters(() => watch.counters())
    this.#add('watch', () => watch.stop())
    return watch
  }

  /** The hub of the live stream. */
  #live(node: StoredNode, mesh: DaemonMesh, sessions: SessionLog): LiveHub {
    const live = new LiveHub({
      environment: realEnvironment,
      sessions,
      names: { memberOf: node.replica.memberOf, nameOf: (member) => mesh.nameOf(member) },
      status: () => statusJson({ mesh, node }),
      bytes: () => protocolBytes(node.counters()),
      rss: () => process.memoryUsage.rss(),
    })
    node.onCommit((commit) => live.committed(commit))
    this.#add('live', () => live.stop())
    return live
  }

  /**
   * Another node keeps the peer id that this one was started with. The data stays; the next start makes a member of its
   * own of it.
   */
  async #takeIdentity({ peer: old }: Identity, why: string, token: string | undefined): Promise<void> {
    if (this.#isIdentityLost) return
    this.#isIdentityLost = true
    try {
      const { peer } = await replaceIdentity(this.config.settings.data)
      const reason = `${why}: this node, which was ${old}, is ${peer} now, a member of its own with all of its data`
      this.log.warn({ event: 'identityTaken', old, peer }, reason)
      this.#needRestart({ kind: 'identity', reason, token })
    } catch (err) {
      this.#isIdentityLost = false
      this.log.error(
        { event: 'identityLost', err },
        'a new peer id could not be written; check the disk, then restart the daemon',
      )
    }
  }

  /** The API serves clients while verification and libp2p are still starting. Returns its addresses. */
  async #serve(
    services: Omit<ApiServices, 'openApi' | 'web' | 'signIn' | 'undos' | 'config' | 'log' | 'stopping'>,
    environment: NodeJS.ProcessEnv,
  ): Promise<string[]> {
    const { config, log } = this
    const web = loadWebFiles()
    const { signal: stopping } = this.#stopping
    const signIn = new SignIn(realEnvironment)
    const own = { openApi: openApiText, web, signIn, undos: new UndoLog() }
    const api = await createApi({ ...services, ...own, config, log, stopping })
    const listeners = new Listeners(api.routing, web.page)
    this.#add('api', () => this.#stopServing(listeners, api))
    const dataDirectory = config.settings.data
    const place = {
      dataDirectory,
      runtimeDirectory: environment.XDG_RUNTIME_DIR,
      temporaryDirectory: environment.TMPDIR ?? tmpdir(),
    }
    const socket = new KeptSocket({ listeners, place, environment: realEnvironment, log })
    const path = await socket.open()
    this.#add('socket', () => socket.stop())
    const urls = [`unix:${path}`]
    const token = await loadApiToken(dataDirectory)
    for (const address of config.settings.api) {
      const gate = { token, hostname: hostname(), signIn }
      const url = `http://${await listeners.listenTcp(parseApiAddress(address), gate)}`
      signIn.reachableAt(ownUrl(url))
      urls.push(url)
    }
    return urls
  }

  async #stopServing(listeners: Listeners, api: Api): Promise<void> {
    this.#stopping.abort()
    await listeners.close(requestGraceMs)
    await api.close()
  }

  #add(name: string, stop: () => Promise<void> | void): void {
    this.#parts.push({ name, stop })
  }

  async #stopAll(): Promise<void> {
    for (const { name, stop } of this.#parts.reverse()) {
      try {
        await stop()
      } catch (err) {
        this.log.error({ event: 'notStopped', err, part: name }, 'a part of the daemon did not stop cleanly')
      }
    }
  }
}

/** The address at which this machine reaches a listener: one on every address is reached over the loopback. */
function ownUrl(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}
