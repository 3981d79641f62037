/**
 * Hosts as network namespaces on one switch, to be cut apart. The switch is a namespace of its own with a bridge in it,
 * so that the machine's own network has no part in this; no host has a way out.
 */
import { setTimeout } from 'node:timers/promises'
import type { Launch } from '../e2e/daemons.js'
import type { Random } from '../support/random.js'
import { Namespaces, tool, toolPath } from './namespaces.js'

const switchLabel = 'switch'
const bridge = 'bridge'
const subnet = '10.77.0'

/** Packets from some hosts to others that the switch drops. */
export interface Drop {
  readonly from: readonly string[]
  readonly to: readonly string[]
  /** How many of a hundred are dropped, at random; all when absent. */
  readonly percent?: number
}

/** Three to five machines on one switch. */
export class Hosts {
  readonly #namespaces: Namespaces
  readonly #names: readonly string[]

  private constructor(namespaces: Namespaces, names: readonly string[]) {
    this.#namespaces = namespaces
    this.#names = names
  }

  /** Hosts with the addresses 10.77.0.1 and so on, all of which reach each other. */
  static async create(names: readonly string[]): Promise<Hosts> {
    const namespaces = await Namespaces.create([switchLabel, ...names])
    const hosts = new Hosts(namespaces, names)
    try {
      await hosts.#switch(['link', 'add', bridge, 'type', 'bridge', 'forward_delay', '0', 'mcast_snooping', '0'])
      await hosts.#switch(['link', 'set', bridge, 'up'])
      for (const [at, name] of names.entries()) await hosts.#plugIn(name, `${subnet}.${at + 1}`)
      return hosts
    } catch (error) {
      await hosts.end()
      throw error
    }
  }

  /** How a daemon with default settings is started on a host. */
  launch(name: string): Launch {
    return {
      prefix: ['ip', 'netns', 'exec', this.#namespaces.name(name)],
      env: { PATH: toolPath },
      network: [],
    }
  }

  /** Drops every packet between different groups, in place of what was dropped before. */
  split(...groups: (readonly string[])[]): Promise<void> {
    const others = (group: readonly string[]) => groups.filter((one) => one !== group).flat()
    return this.drop(...groups.map((group) => ({ from: group, to: others(group) })))
  }

  /** Drops packets in place of what was dropped before, in one instant. */
  async drop(...drops: Drop[]): Promise<void> {
    const rules = drops.map(({ from, to, percent }) => {
      const chance = percent === undefined ? '' : `numgen random mod 100 < ${percent} `
      return `iifname { ${quoted(from)} } oifname { ${quoted(to)} } ${chance}drop`
    })
    const chain = ['chain forward {', 'type filter hook forward priority 0; policy accept;', ...rules, '}']
    const lines = ['table bridge cut', 'delete table bridge cut', 'table bridge cut {', ...chain, '}', '']
    await tool([...this.#inside(switchLabel), 'nft', '-f', '-'], lines.join('\n'))
  }

  /** Drops nothing any more. */
  heal(): Promise<void> {
    return this.drop()
  }

  /**
   * Splits and heals again and again: `times` cuts, each of which, like each pause, lasts between a fifth and 1.5
   * seconds.
   */
  async flap(times: number, random: Random, ...groups: (readonly string[])[]): Promise<void> {
    const hold = () => setTimeout(200 + random.below(1_300))
    for (let cut = 0; cut < times; cut++) {
      await this.split(...groups)
      await hold()
      await this.heal()
      await hold()
    }
  }

  /**
   * Breaks all connections of one host after the other, at random: `times` times, up to two seconds apart. The link
   * itself stays. Returns how many broke.
   */
  async breakConnections(times: number, random: Random): Promise<number> {
    let broken = 0
    for (let time = 0; time < times; time++) {
      await setTimeout(random.below(2_000))
      const name = this.#names[random.below(this.#names.length)]!
      const command = ['ss', '--kill', '--tcp', '--no-header', 'dst', `${subnet}.0/24`]
      const closed = await tool([...this.#inside(name), ...command])
      broken += closed.split('\n').filter((line) => line !== '').length
    }
    return broken
  }

  /** Pulls the cable of a host. */
  async unplug(name: string): Promise<void> {
    await this.#switch(['link', 'set', name, 'down'])
  }

  /** Puts the cable of a host in again. */
  async plug(name: string): Promise<void> {
    await this.#switch(['link', 'set', name, 'up'])
  }

  /** Limits how fast a host sends and receives: `1mbit`. */
  async limit(name: string, rate: string): Promise<void> {
    for (const [label, device] of this.#ends(name)) {
      const shape = ['root', 'tbf', 'rate', rate, 'burst', '16kb', 'latency', '300ms']
      await tool([...this.#inside(label), 'tc', 'qdisc', 'replace', 'dev', device, ...shape])
    }
  }

  /** Takes the limit away. */
  async unlimit(name: string): Promise<void> {
    for (const [label, device] of this.#ends(name)) {
      await tool([...this.#inside(label), 'tc', 'qdisc', 'delete', 'dev', device, 'root'])
    }
  }

  /**
   * Gives a host another address in place of its old one: 10.77.0.`number`. The interface goes down and comes up again.
   */
  async readdress(name: string, number: number): Promise<void> {
    const inHost = (command: string) => tool(['ip', '-n', this.#namespaces.name(name), ...command.split(' ')])
    await inHost('link set eth0 down')
    await inHost('-4 address flush dev eth0')
    await inHost(`address add ${subnet}.${number}/24 dev eth0`)
    await inHost('link set eth0 up')
    await inHost('route add 224.0.0.0/4 dev eth0')
  }

  /** Ends what runs on the hosts and removes them. */
  end(): Promise<void> {
    return this.#namespaces.end()
  }

  async #plugIn(name: string, address: string): Promise<void> {
    const namespace = this.#namespaces.name(name)
    const inHost = (command: string) => tool(['ip', '-n', namespace, ...command.split(' ')])
    await this.#switch(['link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace])
    await this.#switch(['link', 'set', name, 'master', bridge, 'up'])
    await inHost('link set lo up')
    await inHost(`address add ${address}/24 dev eth0`)
    await inHost('link set eth0 up')
    // Without a default route multicast needs one of its own.
    await inHost('route add 224.0.0.0/4 dev eth0')
  }

  /** Both ends of a host's cable: what each sends is limited. */
  #ends(name: string): [string, string][] {
    return [
      [switchLabel, name],
      [name, 'eth0'],
    ]
  }

  async #switch(command: readonly string[]): Promise<void> {
    await tool(['ip', '-n', this.#namespaces.name(switchLabel), ...command])
  }

  #inside(label: string): string[] {
    return ['ip', 'netns', 'exec', this.#namespaces.name(label)]
  }
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ')
}
