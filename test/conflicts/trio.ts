/** Two real replicas that write apart from each other, and a third one that hears of both through the tree alone. */
import { SyncService } from '../../protocols/sync/service.js'
import { Access } from '../../store/data/access.js'
import { UserData } from '../../store/data/user-data.js'
import { Context } from '../../store/model/context.js'
import { tokenKey } from '../../store/model/token.js'
import type { Replica } from '../../store/replica/replica.js'
import type { MissingUpdates } from '../../store/replica/types.js'
import { FakeMesh } from '../support/network/mesh.js'
import { PassingSync } from '../support/passing-sync.js'
import { openNode } from '../support/replicas.js'
import type { StillEnvironment } from '../support/still-environment.js'
import { VirtualWorld } from '../support/virtual-environment.js'

const secret = tokenKey(Buffer.alloc(32, 7))

/** One of the three. */
export interface Side {
  readonly name: string
  readonly replica: Replica
  readonly data: UserData
  readonly environment: StillEnvironment
}

/** A replica whose log tells nothing: what it has is found through its tree, or not at all. */
class WithoutLog extends PassingSync {
  override async readMissing(missing: Context): Promise<MissingUpdates> {
    return { updates: [], listed: new Context(), unlisted: missing, digests: [], rows: 0 }
  }
}

/** The three nodes of one row. */
export class ReplicaTrio {
  readonly #world: VirtualWorld
  readonly #mesh: FakeMesh
  readonly #services = new Map<Side, SyncService>()
  /** How the sides of the last session ended. */
  #ended: string[] = []

  private constructor(
    readonly sides: readonly [Side, Side],
    readonly third: Side,
    seed: number,
  ) {
    this.#world = new VirtualWorld(seed)
    this.#mesh = new FakeMesh(this.#world, { latencyMs: 1, jitterMs: 0 })
    for (const side of [...sides, third]) {
      const service = new SyncService({
        network: this.#mesh.node(side.name),
        replica: new WithoutLog(side.replica.sync),
        environment: this.#world.environment(),
        listener: { ended: ({ ended }) => void this.#ended.push(ended) },
      })
      service.start()
      this.#services.set(side, service)
    }
    this.#mesh.connectAll()
  }

  /** Opens three empty nodes. */
  static async open(seed: number): Promise<ReplicaTrio> {
    const [a, b, c] = await Promise.all(['left', 'right', 'third'].map(openSide))
    return new ReplicaTrio([a!, b!], c!, seed)
  }

  /** Sends one node everything that it lacks of another's, as updates. */
  async deliver(from: Side, to: Side): Promise<void> {
    const missing = from.replica.sync.capture().applied.minus(to.replica.sync.capture().applied)
    const found = await from.replica.sync.readMissing(missing, 1 << 24, to.replica.sync.capture().applied)
    if (!found.unlisted.isEmpty) throw new Error('the log does not have all updates')
    await to.replica.sync.applyUpdates({ updates: [...found.updates], members: from.replica.sync.capture().members })
  }

  /** One session of two nodes in which no update is sent from a log: only the tree tells. */
  async meetThroughTree(one: Side, other: Side): Promise<void> {
    this.#ended = []
    void this.#services.get(one)!.run(other.name, { youngOk: false })
    // The side that answers stores what it got after the other has ended.
    await this.#world.runUntil(() => this.#ended.length === 2)
    const odd = this.#ended.find((ended) => ended !== 'complete')
    if (odd !== undefined) throw new Error(`the session ended as ${odd}`)
  }

  /** Time passes for all. */
  pass(ms: number): void {
    for (const { environment } of [...this.sides, this.third]) environment.pass(ms)
  }

  /** True if all three have the same root. */
  get areEqual(): boolean {
    const [root, ...others] = [...this.sides, this.third].map(({ replica }) => Buffer.from(replica.sync.capture().root))
    return others.every((other) => other.equals(root!))
  }

  /** Ends the nodes. */
  async close(): Promise<void> {
    for (const [{ replica }, service] of this.#services) {
      await this.#world.runThrough(service.stop())
      await replica.close()
    }
  }
}

async function openSide(name: string): Promise<Side> {
  const { replica, environment } = await openNode(name)
  return { name, replica, environment, data: new UserData(new Access(replica, () => secret)) }
}
