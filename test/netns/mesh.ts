/** Real daemons on hosts that can be cut apart, and what every test of a partition asks of them. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { meshSecretFile } from '../../daemon/net/identity.js'
import { allEqual, type Daemon, Fleet, until } from '../e2e/daemons.js'
import { Hosts } from './hosts.js'
import type { Writes } from './writes.js'

/**
 * How long a node may take to see a cut, or to use a heal, on a machine that is busy with other things, in
 * milliseconds.
 */
export const secondsMs = 60_000
const lookEveryMs = 100

/** One daemon on each host, all with default settings. */
export class NetnsMesh {
  readonly hosts: Hosts
  readonly fleet: Fleet
  readonly daemons: readonly Daemon[]

  private constructor(hosts: Hosts, fleet: Fleet, daemons: readonly Daemon[]) {
    this.hosts = hosts
    this.fleet = fleet
    this.daemons = daemons
  }

  /** Makes the hosts, and daemons that are not started yet. */
  static async create(names: readonly string[]): Promise<NetnsMesh> {
    const hosts = await Hosts.create(names)
    const fleet = await Fleet.create()
    return new NetnsMesh(
      hosts,
      fleet,
      names.map((name) => fleet.prepare(name, [], hosts.launch(name))),
    )
  }

  /** The daemon of a host. */
  daemon(name: string): Daemon {
    const daemon = this.daemons.find((one) => one.name === name)
    if (daemon === undefined) throw new Error(`there is no daemon ${name}`)
    return daemon
  }

  /** Starts all and has them join the first one's mesh. */
  async join(): Promise<void> {
    await Promise.all(this.daemons.map((daemon) => daemon.start()))
    const { token } = await this.daemons[0]!.client.invite()
    for (const daemon of this.daemons.slice(1)) await daemon.client.join(token)
    await this.reach()
  }

  /** Starts all as nodes of one mesh that know no address of each other: they have its secret and nothing else. */
  async discover(): Promise<void> {
    const [first, ...others] = this.daemons
    await first!.start()
    for (const { data } of others) {
      mkdirSync(data, { mode: 0o700 })
      copyFileSync(join(first!.data, meshSecretFile), join(data, meshSecretFile))
    }
    await Promise.all(others.map((daemon) => daemon.start()))
    await this.reach()
  }

  /** Stores values through the command line of one node. */
  async import(daemon: Daemon, input: ReadonlyMap<string, string>, writes: Writes): Promise<void> {
    const file = join(this.fleet.folder, 'input.jsonl')
    writeFileSync(file, [...input].map(([key, value]) => `${JSON.stringify({ key, value })}\n`).join(''))
    const imported = await daemon.cli(['import', file])
    expect(imported.exit, imported.stderr).toBe(0)
    for (const [key, value] of input) writes.imported(key, value)
  }

  /** Waits until every node is connected to exactly the nodes of its group; without groups all are one. */
  async reach(...groups: (readonly string[])[]): Promise<void> {
    const names = this.daemons.map(({ name }) => name)
    const wanted = (groups.length === 0 ? [names] : groups).flatMap((group) =>
      group.map((name) => `${name} reaches ${group.filter((other) => other !== name).toSorted()}`),
    )
    await this.reachability(wanted)
  }

  /** Waits until the connections of all nodes are the wanted lines: `one reaches three,two`. */
  async reachability(wanted: readonly string[]): Promise<void> {
    // One after the other, and not too often: looking is to cost the daemons little.
    const firstOther = async () => {
      for (const { client, name } of this.daemons) {
        const { members } = await client.status()
        const reached = members.flatMap((member) => (member.connected ? [member.name] : [])).toSorted()
        const line = `${name} reaches ${reached}`
        if (!wanted.includes(line)) return line
      }
      return undefined
    }
    await until(wanted.join('; '), firstOther, (line) => line === undefined, secondsMs, lookEveryMs)
  }

  /** Waits until each node's own `wait --converged` says that all are equal. */
  async converge(): Promise<void> {
    const [first, ...others] = this.daemons
    const { exit, stderr } = await first!.cli(['wait', '--converged', '--timeout', `${secondsMs / 1000}s`])
    expect(exit, stderr).toBe(0)
    await Promise.all(others.map(({ client }) => client.wait({ converged: true, timeoutMs: secondsMs })))
  }

  /** Asserts that every node has every write, and that each node's status says that all others are equal. */
  async expectWhole(writes: Writes): Promise<void> {
    await allEqual(this.daemons)
    for (const daemon of this.daemons) await writes.expectKept(daemon)
    for (const { client } of this.daemons) {
      const status = await until(
        'nobody behind',
        () => client.status(),
        ({ members }) => members.every(({ behind, ahead }) => behind === 0 && ahead === 0),
      )
      expect(status.members.every(({ connected, converged }) => connected && converged)).toBe(true)
      expect(status.conflicts).toBe(writes.conflicts)
      expect(status.warnings).toEqual([])
    }
  }

  /** Ends the daemons, then removes the hosts, whatever of them there is. */
  async end(): Promise<void> {
    await this.fleet.end().finally(() => this.hosts.end())
  }
}
