/** A lab: real daemons on this machine, the switch between them, and what can be done to both. */
import { type Client, connect, type Status } from '../client.js'
import { HearsayApiError, UsageError } from '../failure.js'
import { loadLinks, makeLab, openLab, saveLinks } from './directory.js'
import { areEqual, difference, hasMet, type SyncCounts, syncCountsOf, unequalTo } from './equality.js'
import { equalMsDefault, readyMsMax, statusPollMs, stopMsMax } from './limits.js'
import { type Links, linkBetween, openLinks, type SlowRule, sidesOf, withSlow } from './links.js'
import { nodeNames } from './names.js'
import { type LabRecord, ownFlagIn, type Places, readyNodeOf, switchName } from './plan.js'
import { Processes, poll } from './processes.js'
import { reloadSwitch } from './switch-client.js'
import { takeDown } from './taking-down.js'

/** Result of a heal. */
export interface Healed extends SyncCounts {
  readonly elapsedMs: number
  /** The nodes that are equal now. */
  readonly nodes: readonly string[]
  readonly root: string
  /** The nodes that do not run. */
  readonly absent: readonly string[]
}

/** One node as `lab status` shows it. */
export interface LabNodeView {
  readonly name: string
  readonly pid: number | undefined
  /** The side of the cut on which it is, from 1 on. */
  readonly side: number
  readonly api: string | undefined
  readonly data: string
  /** Undefined while it does not run. */
  readonly status: Status | undefined
}

/** A lab that is up. */
export class Lab {
  readonly places: Places
  readonly nodes: readonly string[]
  readonly #processes: Processes
  readonly #clients = new Map<string, Client>()
  #links: Links

  private constructor(places: Places, record: LabRecord, environment: NodeJS.ProcessEnv) {
    this.places = places
    this.nodes = record.nodes
    this.#processes = new Processes(places, record, environment)
    this.#links = loadLinks(places)
  }

  /** The lab in a directory. Throws HearsayApiError NOT_FOUND. */
  static open(directory: string, environment: NodeJS.ProcessEnv): Lab {
    const { places, record } = openLab(directory)
    return new Lab(places, record, environment)
  }

  /** Starts nodes that are one mesh; what began is removed when it fails. `flags`: of all daemons. */
  static async up(
    directory: string,
    options: {
      readonly count: number
      readonly flags: readonly string[]
      readonly environment: NodeJS.ProcessEnv
      readonly signal?: AbortSignal
    },
  ): Promise<Lab> {
    const own = ownFlagIn(options.flags)
    if (own !== undefined) throw new UsageError(`${own} is set by the lab itself, for each node apart`)
    const record: LabRecord = { version: 1, nodes: nodeNames(options.count), flags: options.flags }
    const places = makeLab(directory, record, options.environment)
    try {
      const lab = new Lab(places, record, options.environment)
      await lab.#begin(options.signal)
      return lab
    } catch (error) {
      await takeDown(directory, options.environment)
      throw error
    }
  }

  /** All processes at once; each node joins as soon as it and the first one are ready. */
  async #begin(signal?: AbortSignal): Promise<void> {
    const [first, ...others] = this.nodes
    const switched = this.#processes.start(switchName, signal)
    const inviting = this.#processes.start(first!, signal).then(() => this.client(first!))
    const joined = others.map(async (name) => {
      await Promise.all([this.#processes.start(name, signal), switched])
      const { token } = await (await inviting).invite()
      await this.client(name).join(token)
    })
    // All of them end before what began is undone.
    const failed = (await Promise.allSettled([switched, inviting, ...joined])).find(
      ({ status }) => status === 'rejected',
    )
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason
    await this.#meet(this.nodes, signal)
  }

  /** Waits until the nodes that can reach each other are connected. Throws TIMED_OUT. */
  async #meet(names: readonly string[], signal?: AbortSignal): Promise<void> {
    const running = this.running()
    const canReach = (a: string, b: string) => !linkBetween(this.#links, a, b).isCut
    const met = await poll(readyMsMax, statusPollMs, signal, async () => {
      const states = await Promise.all(running.map((name) => this.client(name).status()))
      return names.every((name) => hasMet(name, states, canReach)) ? true : undefined
    })
    if (met) return
    throw new HearsayApiError('TIMED_OUT', 0, `the nodes have not found each other within ${readyMsMax / 1000} s`)
  }

  /** A client of a node. Throws UNREACHABLE_DAEMON at once while the node does not run. */
  client(name: string): Client {
    this.requireRunning(name)
    const client = this.#clients.get(name) ?? connect({ data: this.places.data(name), retries: 0, environment: {} })
    this.#clients.set(name, client)
    return client
  }

  /** Throws UNREACHABLE_DAEMON while a node does not run. */
  requireRunning(name: string): void {
    if (this.#processes.pid(name) !== undefined) return
    throw new HearsayApiError('UNREACHABLE_DAEMON', 0, `${name} does not run`, { node: name })
  }

  /** The state of the links. */
  get links(): Links {
    return this.#links
  }

  /** The nodes that run. */
  running(): readonly string[] {
    return this.nodes.filter((name) => this.#processes.pid(name) !== undefined)
  }

  /**
   * Cuts all links between nodes of different groups, in both directions at once; resolves when no such connection is
   * left.
   */
  async split(groups: readonly (readonly string[])[]): Promise<void> {
    await this.#setLinks({ ...this.#links, groups })
    await this.#untilNoticed()
  }

  /** Both ends of a connection learn of its end within a turn; commands that follow find it so. */
  async #untilNoticed(): Promise<void> {
    const isCut = async (name: string) => {
      const { members } = await this.client(name).status()
      return members.every((member) => !member.connected || !linkBetween(this.#links, name, member.name).isCut)
    }
    const noticed = await poll(readyMsMax, statusPollMs, undefined, async () =>
      (await Promise.all(this.running().map(isCut))).every(Boolean) ? true : undefined,
    )
    if (!noticed) throw new HearsayApiError('TIMED_OUT', 0, 'the nodes have not noticed the cut in time')
  }

  /** Heals all cuts, and waits until all nodes that run are equal. Throws TIMED_OUT. */
  async heal(timeoutMs = equalMsDefault): Promise<Healed> {
    const nodes = this.running()
    const before = await this.#counts(nodes)
    const startMs = performance.now()
    await this.#setLinks({ ...this.#links, groups: [] })
    const root = await this.untilEqual(timeoutMs)
    const elapsedMs = performance.now() - startMs
    const counts = difference(before, await this.#counts(nodes))
    return { elapsedMs, ...counts, nodes, root, absent: this.nodes.filter((name) => !nodes.includes(name)) }
  }

  /**
   * Waits until on each side of the cut all nodes that run are equal; resolves with the root of the first side. Throws
   * TIMED_OUT.
   */
  async untilEqual(timeoutMs = equalMsDefault): Promise<string> {
    const running = this.running()
    const sides = sidesOf(this.#links, this.nodes)
      .map((side) => side.filter((name) => running.includes(name)))
      .filter((side) => side.length > 0)
    let late: readonly string[] = []
    const root = await poll(timeoutMs, statusPollMs, undefined, async () => {
      const states = await Promise.all(sides.map((side) => Promise.all(side.map((name) => this.client(name).status()))))
      late = states.flatMap((side) => unequalTo(side))
      return states.every((side) => areEqual(side)) ? (states[0]?.[0]?.root ?? '') : undefined
    })
    if (root !== undefined) return root
    const message = `after ${timeoutMs / 1000} s not all are equal: ${late.join(' ')}`
    throw new HearsayApiError('TIMED_OUT', 0, message, { nodes: late })
  }

  #counts(nodes: readonly string[]): Promise<SyncCounts[]> {
    return Promise.all(nodes.map(async (name) => syncCountsOf(await this.client(name).metrics())))
  }

  /** Makes links slow, beside those that are; undefined: none is slow any more. */
  async slow(rule: SlowRule | undefined): Promise<void> {
    await this.#setLinks(rule === undefined ? { ...this.#links, slow: openLinks.slow } : withSlow(this.#links, rule))
  }

  async #setLinks(links: Links): Promise<void> {
    saveLinks(this.places, links)
    this.#links = links
    // A switch that was killed comes back with what was saved.
    if (this.#processes.hasSwitch) await reloadSwitch(this.#processes)
    else await this.#processes.start(switchName)
  }

  /** Kills a node, without an orderly end. */
  async kill(name: string): Promise<void> {
    this.requireRunning(name)
    await this.#end(name, 'SIGKILL')
  }

  /** Ends a node in order. */
  async stop(name: string): Promise<void> {
    this.requireRunning(name)
    await this.#end(name, 'SIGTERM', stopMsMax)
  }

  async #end(name: string, signal: 'SIGTERM' | 'SIGKILL', limitMs?: number): Promise<void> {
    this.#clients.get(name)?.close()
    this.#clients.delete(name)
    await this.#processes.end(name, signal, limitMs)
  }

  /**
   * Starts a node again on its data; resolves when it is connected to all that it can reach. True if it did not run
   * before.
   */
  async start(name: string): Promise<boolean> {
    if (this.#processes.pid(name) !== undefined) return false
    if (!this.#processes.hasSwitch) await this.#processes.start(switchName)
    await this.#processes.start(name)
    await this.#meet([name])
    return true
  }

  /** All nodes, with what those that run say of themselves. */
  view(): Promise<LabNodeView[]> {
    const sides = sidesOf(this.#links, this.nodes)
    return Promise.all(
      this.nodes.map(async (name) => {
        const pid = this.#processes.pid(name)
        const status = pid === undefined ? undefined : await this.client(name).status()
        const side = sides.findIndex((group) => group.includes(name)) + 1
        return { name, pid, side, api: this.apiOf(name), data: this.places.data(name), status }
      }),
    )
  }

  /** The address of a node's API over TCP; undefined while it does not run. */
  apiOf(name: string): string | undefined {
    return readyNodeOf(this.#processes.printed(name))?.api
  }

  /** The address of a node's dashboard, which signs a browser in, once. */
  async dashboardOf(name: string): Promise<string> {
    return (await this.client(name).dashboardLink()).url
  }

  /** True while the switch runs; without it no node reaches another. */
  get hasSwitch(): boolean {
    return this.#processes.hasSwitch
  }

  /** Closes the connections to the nodes; the lab goes on. */
  close(): void {
    for (const client of this.#clients.values()) client.close()
  }
}
