/** The nodes of a simulated mesh, by name: those of the beginning, copies, late ones, and the retired. */

import { Random } from '../support/random.js'
import type { VirtualWorld } from '../support/virtual-environment.js'
import { type DiskImage, SimDisk, type Telling } from './disk.js'
import { SimNode, type SimulatedSurroundings } from './node.js'
import type { Plan } from './script.js'

/** Every node that ever was. */
export class Roster {
  readonly nodes = new Map<string, SimNode>()
  readonly #world: VirtualWorld
  readonly #seed: number
  readonly #busyDisks: number
  readonly #around: SimulatedSurroundings

  /**
   * `seed` decides, with its name, what befalls a node's disk; `busyDisks` is the share of nodes that hear late of what
   * theirs does.
   */
  constructor(
    world: VirtualWorld,
    { seed, busyDisks = 0 }: Pick<Plan, 'seed' | 'busyDisks'>,
    around: SimulatedSurroundings,
  ) {
    this.#world = world
    this.#seed = seed
    this.#busyDisks = busyDisks
    this.#around = around
  }

  /** A node, running or not. */
  get(name: string): SimNode | undefined {
    return this.nodes.get(name)
  }

  /** Those that were not retired. */
  alive(): SimNode[] {
    return [...this.nodes.values()].filter((node) => !node.isRetired)
  }

  /** Adds a node with its disk: an empty one, or what an image holds. */
  add(name: string, offsetMs = 0, image?: DiskImage): SimNode {
    const random = new Random(this.#seed ^ hashText(name))
    const disk = new SimDisk(this.#world, random, { tells: this.#telling(random), image })
    const node = new SimNode(name, disk, { offsetMs }, this.#around)
    this.nodes.set(name, node)
    return node
  }

  /** Without busy nodes everybody hears at once. */
  #telling(random: Random): Telling {
    if (this.#busyDisks === 0) return 'at once'
    return random.chance(this.#busyDisks) ? 'late' : 'soon'
  }

  /** Starts a node's process; it serves a little later. */
  startSoon(name: string): void {
    const node = this.nodes.get(name)
    if (node === undefined || node.isRetired || node.run !== undefined) return
    node.start().catch((error: unknown) => this.#around.failed(error))
  }

  /** True if a node that serves has retired another. */
  isForgotten(by: string, name: string): boolean {
    const node = this.nodes.get(by)
    return node?.run?.isServing === true && node.run.protocols.membership.isForgotten(name)
  }
}

function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}
