/**
 * A soak: three real daemons under a steady load, one of them cut off from the others in turn; everything that could
 * grow is looked at.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Lab } from '../../cli/lab/lab.js'
import { percentile } from '../bench/support/numbers.js'
import { Random } from '../support/random.js'
import { Account, type Differences } from './account.js'
import { SoakConnection } from './connection.js'
import type { SoakHeal, SoakRecord, SoakSample } from './judge.js'
import { SoakNode } from './nodes.js'
import { Probe } from './probe.js'
import { Work } from './work.js'
import { Window, Writer } from './writer.js'

/** Settings of a soak. */
export interface SoakOptions {
  readonly minutes: number
  /** Writes a second, over all nodes. */
  readonly rate: number
  /** Seconds from one cut to the next, and those for which it lasts. */
  readonly cutEverySeconds: number
  readonly cutSeconds: number
  readonly sampleSeconds: number
  /** Keys with values; each is written again and again. */
  readonly keys: number
  /** Puts in batches before the load begins. */
  readonly warmUp: number
}

/** What is told while it runs. */
export interface SoakListener {
  sample(sample: SoakSample): void
  heal(heal: SoakHeal): void
}

/** Nodes that are written to. */
export const soakNodes = 3
/** Writers on each node. */
const writersEach = 8
const fillBatch = 500
/** Longest wait until all nodes are equal, in milliseconds. */
const healMsMax = 300_000

/** One soak. */
export class Soak {
  readonly #lab: Lab
  readonly #options: SoakOptions
  readonly #listener: SoakListener
  readonly #nodes: readonly SoakNode[]
  readonly #account = new Account()
  readonly #window = new Window()
  readonly #samples: SoakSample[] = []
  readonly #heals: SoakHeal[] = []
  readonly #writers: Writer[] = []
  readonly #probe: Probe
  /** The node that is cut off. */
  #alone: string | undefined
  #isOver = false
  #startMs = 0

  constructor(lab: Lab, options: SoakOptions, listener: SoakListener) {
    this.#lab = lab
    this.#options = options
    this.#listener = listener
    this.#nodes = lab.nodes.slice(0, soakNodes).map((name) => new SoakNode(lab, name))
    this.#probe = new Probe(this.#nodes, this.#account)
  }

  /** Runs it to its end. Throws when a write is not acknowledged, or the nodes do not become equal. */
  async run(): Promise<SoakRecord> {
    await this.#begin()
    this.#startMs = performance.now()
    await Promise.all([this.#cycles(), this.#sampling()])
    await this.#lab.untilEqual(healMsMax)
    const differences = new Map<string, Differences>()
    for (const node of this.#nodes) {
      differences.set(node.name, this.#account.compare(await node.contents(this.#account.collections)))
    }
    for (const one of [...this.#writers, this.#probe]) one.close()
    return { samples: this.#samples, heals: this.#heals, differences }
  }

  /** Acknowledged writes so far. */
  get writes(): number {
    return this.#account.writes
  }

  async #begin(): Promise<void> {
    const keys = Math.ceil(this.#options.keys / (soakNodes * writersEach))
    for (const node of this.#nodes) {
      for (let at = 0; at < writersEach; at++) {
        const work = new Work(`${node.name}-${at}`, keys, this.#account, new Random(this.#writers.length + 1))
        this.#writers.push(new Writer(new SoakConnection(() => node.connect()), work, this.#window))
      }
    }
    const each = Math.max(keys, Math.ceil(this.#options.warmUp / this.#writers.length))
    await Promise.all(this.#writers.map((writer) => writer.fill(each, fillBatch)))
    await this.#lab.untilEqual(healMsMax)
  }

  /** Load with one cut in each cycle; writing rests while a heal is timed, so that equality has a moment. */
  async #cycles(): Promise<void> {
    const { minutes, cutEverySeconds, cutSeconds } = this.#options
    const endMs = this.#startMs + minutes * 60_000
    try {
      for (let cycle = 0; performance.now() < endMs; cycle++) {
        const fromMs = performance.now()
        const untilMs = fromMs + cutEverySeconds * 1000
        const node = this.#nodes[cycle % this.#nodes.length]!.name
        await Promise.all([this.#write(fromMs, untilMs), this.#cut(node, (cutEverySeconds - cutSeconds) * 1000)])
        await this.#heal(node)
      }
    } finally {
      this.#isOver = true
    }
  }

  async #write(fromMs: number, untilMs: number): Promise<void> {
    const count = this.#writers.length
    const intervalMs = (1000 * count) / this.#options.rate
    const firstMs = (at: number) => fromMs + (intervalMs * at) / count
    await Promise.all(this.#writers.map((writer, at) => writer.run(firstMs(at), untilMs, intervalMs)))
  }

  async #cut(node: string, inMs: number): Promise<void> {
    await pause(inMs)
    this.#alone = node
    await this.#lab.split([[node], this.#lab.nodes.filter((other) => other !== node)])
  }

  async #heal(node: string): Promise<void> {
    const { elapsedMs, bytes, entries } = await this.#lab.heal(healMsMax)
    this.#alone = undefined
    const heal = { atSeconds: this.#seconds(), node, healMs: Math.round(elapsedMs), bytes, entries }
    this.#heals.push(heal)
    this.#listener.heal(heal)
  }

  async #sampling(): Promise<void> {
    while (!this.#isOver) {
      await pause(this.#options.sampleSeconds * 1000)
      const sample = await this.#sample()
      this.#samples.push(sample)
      this.#listener.sample(sample)
    }
  }

  async #sample(): Promise<SoakSample> {
    const alone = this.#alone
    const names = this.#nodes.map(({ name }) => name).filter((name) => name !== alone)
    const lagMs = await this.#probe.lag(names, () => this.#alone !== alone || this.#isOver)
    const latencies = this.#window.take()
    const ofShare = (share: number) => (latencies.length === 0 ? null : rounded(percentile(latencies, share)))
    return {
      atSeconds: this.#seconds(),
      isCut: alone !== undefined,
      writes: latencies.length,
      p50Ms: ofShare(0.5),
      p99Ms: ofShare(0.99),
      lagMs: lagMs === null ? null : rounded(lagMs),
      nodes: await Promise.all(this.#nodes.map((node) => node.read())),
    }
  }

  #seconds(): number {
    return Math.round((performance.now() - this.#startMs) / 100) / 10
  }
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
