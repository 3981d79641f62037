/** One whole node of the simulation: the daemon's own replica and protocols over a simulated disk and network. */
import { createHash } from 'node:crypto'
import { silentLog } from '../../daemon/log/log.js'
import { type ProtocolNode, type ProtocolReplica, Protocols } from '../../daemon/mesh/protocols.js'
import type { MemberLog } from '../../protocols/membership/types.js'
import type { PeerId } from '../../protocols/network.js'
import type { SessionReport } from '../../protocols/sync/service.js'
import { Access } from '../../store/data/access.js'
import type { Registers } from '../../store/data/registers.js'
import { UserData } from '../../store/data/user-data.js'
import type { MemberTag } from '../../store/model/codec.js'
import type { Context } from '../../store/model/context.js'
import type { Dot } from '../../store/model/dot.js'
import { tokenKey } from '../../store/model/token.js'
import type { Version } from '../../store/model/update.js'
import { Replica } from '../../store/replica/replica.js'
import type { RunMemory } from '../../store/replica/run.js'
import type { SyncReplica, Transact, Transaction } from '../../store/replica/types.js'
import type { FakeNetwork } from '../support/network/network.js'
import { type ClockFault, neverSettles, type VirtualEnvironment } from '../support/virtual-environment.js'
import type { SimDisk } from './disk.js'
import { SlowDocuments } from './documents.js'
import type { Known } from './issues.js'
import { type Liar, LyingSync } from './liar.js'
import type { SimMesh } from './mesh.js'
import type { Oracle } from './oracle.js'
import { settingsDefaults } from './settings.js'
import { Sleep } from './sleep.js'
import { type NamedView, WriteSpy } from './spy.js'
import type { Clocks } from './views.js'
import type { Witness } from './witness.js'

/** The tag of a peer. */
export function tagOf(peer: PeerId): MemberTag {
  return createHash('sha256').update(peer).digest('hex').slice(0, 16)
}

/** What all nodes of one simulation share. */
export interface SimulatedSurroundings {
  readonly mesh: SimMesh
  readonly oracle: Oracle
  readonly logBytesMax: number
  readonly logAgeMs: number | undefined
  readonly syncIntervalMs: number
  readonly heartbeatMs: number
  readonly sync: boolean
  environment(clock: ClockFault): VirtualEnvironment
  /** A node wrote: which updates, and what its writer asked. */
  note(text: () => string): void
  /** A sync session that a node opened ended. */
  sessionEnded(name: string, report: SessionReport): void
  /** A node deletes versions for their deadline. */
  expired(issuer: string, dots: readonly Dot[]): void
  /** A node believes that another one lives under its name. */
  rival(node: SimNode, givesWay: boolean): void
  failed(error: unknown): void
}

/** The secret of every simulated mesh. */
export const simulatedSecret = Buffer.alloc(32, 7)
/** The key of its tokens. */
export const secretTokenKey = tokenKey(simulatedSecret)
/** How far in the future a time may lie before it is shown last, in milliseconds. */
export const clockBoundMs = 60_000

/** A node: its disk, its clock, and the process that runs on them, if one does. */
export class SimNode implements Witness {
  readonly name: PeerId
  readonly disk: SimDisk
  readonly clock: ClockFault
  /** True if its machine sleeps, or its process is stopped. */
  readonly sleep: Sleep
  readonly #around: SimulatedSurroundings
  isDoubtful = false
  wasDamaged = false
  /** Its disk went back in time, or lost something: what it acknowledged before binds it no more. */
  isRewound = false
  /** Its memory went back in time with it: its own record shows a rival that it was itself. */
  meetsItself = false
  /** It lies in what it sends. */
  liar: Liar | undefined
  /** The process that ran when the disk was damaged: what it verified before proves nothing. */
  damagedRun: Run | undefined
  /** Retired for good. */
  isRetired = false
  run: Run | undefined

  constructor(name: PeerId, disk: SimDisk, clock: ClockFault, around: SimulatedSurroundings) {
    this.name = name
    this.disk = disk
    this.clock = clock
    this.#around = around
    this.sleep = new Sleep(disk.world)
    clock.whenAwake = (callback) => this.sleep.whenAwake(callback)
    disk.whenAwake = clock.whenAwake
    disk.onBatch = (delta) => {
      try {
        around.oracle.checks.batch(this, delta, around.sync)
      } catch (error) {
        around.failed(error)
      }
      this.#changed()
    }
    disk.onAnswer = () => this.#changed()
  }

  get mirror() {
    return this.disk.mirror
  }

  #changed(): void {
    if (this.run !== undefined) this.run.isChanged = true
  }

  /** True if a process is here that can do something now. */
  get isAwake(): boolean {
    return !this.sleep.isAsleep
  }

  /**
   * Starts a process. Resolves when it serves; it verifies and talks from then on. With a memory it goes on as a copied
   * process does.
   */
  async start(memory?: RunMemory): Promise<void> {
    if (this.run !== undefined || this.isRetired) return
    const run = new Run(this, this.#around, memory)
    this.run = run
    await run.start()
  }

  /** Loses power, or is killed. With `reset`, peers see their connections break. */
  async crash(reset: boolean): Promise<void> {
    const { run } = this
    this.run = undefined
    this.sleep.forget()
    run?.environment.stop()
    this.#around.mesh.down(this.name, reset)
    await this.disk.crash()
  }

  /** Ends in order. */
  async stop(): Promise<void> {
    const { run } = this
    if (run === undefined) return
    await run.stop()
    this.run = undefined
    run.environment.stop()
    this.#around.mesh.down(this.name, true)
    this.disk.detach()
  }
}

/** One process on a node. */
export class Run {
  readonly environment: VirtualEnvironment
  readonly network: FakeNetwork
  isServing = false
  /** Its disk changed since the last look. */
  isChanged = true
  /** What the next put or delete of a user must supersede, given the versions in view; undefined: not known. */
  expected: ((versions: readonly Version[]) => Dot[]) | undefined
  /** What the next write of a user names by a token; undefined: it names nothing, or that is not known. */
  named: NamedView | undefined
  /** How much the next increment of a user must count; undefined: not known. */
  adding: bigint | undefined
  /** What it takes for acknowledged, by member. */
  acknowledged = new Map<MemberTag, Context>()
  replica!: Replica
  data!: UserData
  registers!: Registers
  protocols!: Protocols
  readonly #node: SimNode
  readonly #around: SimulatedSurroundings
  readonly #memory: RunMemory | undefined
  #wasVerified = false

  constructor(node: SimNode, around: SimulatedSurroundings, memory?: RunMemory) {
    this.#node = node
    this.#memory = memory
    this.#around = around
    this.environment = around.environment(node.clock)
    around.mesh.forgetRun(node.name)
    this.network = around.mesh.attach(node.name)
  }

  /** Opens the replica, serves, then verifies and talks, in the daemon's order. */
  async start(): Promise<void> {
    const { mesh } = this.#around
    this.replica = await this.#openReplica()
    this.data = new UserData(new Access(this.replica, () => secretTokenKey), new SlowDocuments(this.environment))
    this.registers = this.data.registers
    this.protocols = new Protocols({
      node: this.#protocolNode(),
      settings: settingsDefaults(this.#node.name, this.#around),
      network: this.network,
      environment: this.environment,
      log: silentLog,
      addresses: () => [`/sim/${this.#node.name}`],
      isBlocked: () => false,
      onSilent: (peer) => mesh.disconnect(this.network.self, peer),
      onMembersChanged: () => undefined,
      onForgotten: (peer) => mesh.disconnect(this.network.self, peer),
      onSession: (report, role) => {
        if (role === 'initiator') this.#around.sessionEnded(this.#node.name, report)
      },
      onRival: ({ weGiveWay }) => this.#around.rival(this.#node, weGiveWay),
    })
    this.replica.health.onChange(() => this.protocols.verificationChanged())
    await this.protocols.load()
    this.isServing = true
    await this.protocols.start()
    mesh.up(this.network)
    this.replica.health
      .verify()
      .catch((error: unknown) => this.#around.note(() => `${this.#node.name}: ${String(error)}`))
  }

  /** What its clocks show now. */
  clocks(): Clocks {
    return { ...this.replica.clock.display(), expiredByMs: this.replica.clock.expiredByMs() }
  }

  /** Ends in order: what is under way is finished. */
  async stop(): Promise<void> {
    this.isServing = false
    await this.protocols.stop()
    await this.replica.close()
  }

  /** Notes whether the store is verified now. */
  watchVerification(): void {
    const isVerified = this.isServing && this.replica.health.isVerified
    this.#wasVerified = isVerified
  }

  /** True if it has been verified, and is not damaged since. */
  get isVerified(): boolean {
    return this.#wasVerified && this.replica.health.isVerified
  }

  /**
   * The stored half of a node as its protocols see it: what they show to others goes through the liar, while the node
   * has one.
   */
  #protocolNode(): ProtocolNode {
    const { replica } = this
    const liar = () => this.#node.liar
    return {
      replica: this.#protocolReplica(new LyingSync(replica.sync, liar)),
      version: '0',
      resolvers: { marks: [] },
      addCounters: () => undefined,
      addHistogram: () => undefined,
      onCommit: (listener) => replica.onCommit((commit) => listener(liar()?.commit(commit) ?? commit)),
    }
  }

  /** The replica, with a note of what the log is told that members have acknowledged. */
  #protocolReplica(sync: SyncReplica): ProtocolReplica {
    const { replica } = this
    const { runs, clock, acks, memberOf, transact } = replica
    const log: MemberLog = {
      hint: (member) => replica.log.hint(member),
      setObligations: (obligations) => {
        this.acknowledged = new Map(obligations.map(({ member, acknowledged }) => [member, acknowledged.clone()]))
        replica.log.setObligations(obligations)
      },
    }
    return {
      ...{ runs, clock, acks, memberOf, transact, sync, log },
      versions: (address) => replica.versions(address),
      scanSystem: (prefix) => replica.scanSystem(prefix),
    }
  }

  #openReplica(): Promise<Replica> {
    const { logBytesMax, logAgeMs = Number.POSITIVE_INFINITY, sync } = this.#around
    return Replica.open({
      store: this.#node.disk.open(),
      environment: this.environment,
      member: tagOf(this.#node.name),
      sync,
      clockBoundMs,
      memory: this.#memory,
      log: { maxBytes: logBytesMax, maxAgeMs: logAgeMs },
      aroundWrites: (transact) => (write) => this.#recorded(transact, write),
      warn: (warning) => this.#around.note(() => `${this.#node.name} warns: ${warning}`),
    })
  }

  /**
   * Every write, whoever asked for it, is told to the oracle the moment it is issued, and again when it is
   * acknowledged.
   */
  async #recorded<T>(transact: Transact, write: (transaction: Transaction) => T): Promise<T> {
    const { oracle } = this.#around
    if (this.#node.run !== this) return neverSettles()
    let issued: Known[] = []
    const { expected, named, adding } = this
    const result = await transact((transaction) => {
      const spy = new WriteSpy(transaction, { ...this.#around, issuer: this.#node.name, expected, named, adding })
      const value = write(spy.transaction)
      try {
        issued = spy.told()
      } catch (error) {
        this.#around.failed(error)
      }
      return value
    })
    try {
      for (const known of issued) oracle.acknowledged(known, this.#node)
    } catch (error) {
      this.#around.failed(error)
    }
    return result
  }
}

/** Versions as a reader of a test sees them: values, sorted. */
export function valuesOf(versions: readonly Version[]): string[] {
  return versions.map((version) => Buffer.from(version.value).toString()).sort()
}
