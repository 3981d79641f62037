/**
 * The plan of a seed: topology, workload and faults, all drawn before anything runs, so that parts of it can be left
 * out.
 */
import { Random } from '../support/random.js'
import { type ActStep, acts, brief, type Drawing, documentActs, shortRuns } from './acts.js'
import { nodeFaults } from './faults-nodes.js'
import { drawnKinds, isMachineKind, type MachineKind, machineFault, machineShare } from './plan-machines.js'
import type { Plan, ScriptAction } from './script.js'

/**
 * Moves whenever equal seeds draw other plans than before: seeds that are kept name the planner that they were found
 * with.
 */
export const plannerVersion = 8

/** `log.maxAge` of a seed, in milliseconds; undefined: no limit. */
const logAgesMs = [undefined, undefined, undefined, undefined, 2_000, 24 * 3_600_000]

/** The share of disks whose nodes are often at something else. */
const busyDisks = 0.25

/** The share of seeds in which nodes count in short runs. */
const shortRunsShare = 0.5

/** What a caller may fix. */
export interface PlanOptions {
  /** Nodes at the beginning; drawn when absent. */
  readonly nodes?: number
  /**
   * The faults of whole machines that every seed has; a share of the seeds has some of all kinds when absent, none has
   * any when empty.
   */
  readonly machines?: readonly MachineKind[]
}

/** Draws the plan of a seed. */
export function planOf(seed: number, options: PlanOptions = {}): Plan {
  return new Planner(seed, options).plan()
}

/** Draws one plan. */
class Planner implements Drawing {
  random: Random
  readonly #seed: number
  readonly #nodes: string[]
  #added = 0
  #values = 0
  readonly #keys: number
  readonly isLong: boolean
  /** Few writes, of keys that mostly live for a moment: nodes are often equal while sessions and gossip go on. */
  readonly isCalm: boolean
  readonly #quietMs: number
  readonly #sync: boolean
  /** Documents are edited, by the library that merges them: it takes real time. */
  readonly #hasDocuments: boolean
  readonly #machines: readonly MachineKind[]

  constructor(seed: number, options: PlanOptions) {
    this.#seed = seed
    this.random = new Random(Math.imul(seed, 0x9e3779b1) ^ 0x51b)
    const count = options.nodes ?? this.random.pick([2, 3, 3, 4, 5, 5])
    this.#nodes = Array.from({ length: count }, (_, at) => `n${at}`)
    this.#keys = this.random.pick([2, 4, 8, 20])
    this.isLong = this.random.chance(0.06)
    this.isCalm = !this.isLong && this.random.chance(0.25)
    this.#quietMs = this.isLong ? 150_000 : 4_000 + this.random.below(10_000)
    this.#sync = !this.random.chance(0.05)
    this.#hasDocuments = this.random.chance(0.25)
    const machines = new Random(Math.imul(seed, 0x85ebca6b) ^ 0x3ac)
    const some = machines.chance(machineShare) ? machines.shuffle(drawnKinds).slice(0, 1 + machines.below(3)) : []
    const unknown = options.machines?.find((kind) => !isMachineKind(kind))
    if (unknown !== undefined) throw new Error(`no such fault of machines: ${unknown}`)
    this.#machines = options.machines ?? some
  }

  plan(): Plan {
    const { random } = this
    const nodes = [...this.#nodes]
    const edges = this.#edges()
    const offsetsMs = nodes.map(() => Math.round((random.next() - 0.5) * 2_000))
    const actions = [...this.#actions(), ...this.#machineActions()].sort((a, b) => a.atMs - b.atMs)
    const logAgeMs = random.pick(logAgesMs)
    return {
      seed: this.#seed,
      nodes,
      edges,
      syncIntervalMs: random.pick([700, 1_500, 3_000]),
      heartbeatMs: random.pick(this.isLong ? [2_000] : [300, 600, 1_000]),
      logBytesMax: random.pick([0, 400, 1 << 30, 1 << 30, 1 << 30]),
      ...(logAgeMs !== undefined && { logAgeMs }),
      sync: this.#sync,
      latencyMs: random.pick([0.5, 2, 20]),
      jitterMs: random.pick([0.5, 5, 60]),
      busyDisks,
      offsetsMs,
      actions,
      quietMs: this.#quietMs,
    }
  }

  /** Every pair, a ring, a line, or a star. */
  #edges(): [string, string][] {
    const nodes = this.#nodes
    const shape = this.random.pick(['full', 'full', 'full', 'ring', 'line', 'star'])
    const pairs: [string, string][] = []
    for (const [at, a] of nodes.entries()) {
      for (const b of nodes.slice(at + 1)) if (shape === 'full' || (shape === 'star' && at === 0)) pairs.push([a, b])
      const next = nodes[(at + 1) % nodes.length]!
      const closes = at + 1 === nodes.length
      if (shape === 'ring' || (shape === 'line' && !closes)) pairs.push([a, next])
    }
    return pairs.filter(([a, b]) => a !== b)
  }

  #actions(): ScriptAction[] {
    const actions: ScriptAction[] = []
    const push = (atMs: number, words: readonly string[]) => {
      if (atMs < this.#quietMs) actions.push({ atMs: Math.round(atMs * 10) / 10, words })
    }
    const { random } = this
    const writes = this.isCalm ? 4 + random.below(16) : 10 + random.below(70)
    const isBursty = random.chance(0.3)
    for (let write = 0; write < writes; write++) {
      const atMs = isBursty
        ? 500 + Math.floor(random.next() * 4) * 2_500 + random.next() * 60
        : random.next() * this.#quietMs
      for (const { afterMs, words } of this.#write()) push(atMs + afterMs, words)
    }
    const faults = random.below(12)
    const kinds: string[] = random.shuffle([...faultKinds, ...Object.keys(nodeFaults)]).slice(0, 2 + random.below(6))
    if (this.isLong) kinds.push('jump', 'jump')
    if (this.isCalm) kinds.push('rush', 'rush', 'rush')
    for (let fault = 0; fault < faults; fault++) {
      const atMs = 300 + random.next() * this.#quietMs
      for (const { afterMs, words } of this.#fault(random.pick(kinds))) push(atMs + afterMs, words)
    }
    // Drawn apart from all else: what a seed played before, it plays still.
    const asking = new Random(this.#seed ^ 0x9e0)
    for (let left = asking.below(6); left > 0; left--) {
      push(300 + asking.next() * this.#quietMs, ['quorum', asking.pick(this.#nodes)])
    }
    for (const { afterMs, words } of this.#shortRuns(new Random(this.#seed ^ 0xf01d))) push(afterMs, words)
    return actions.sort((a, b) => a.atMs - b.atMs)
  }

  /** In a share of the seeds some nodes count in several short runs, so that there is something to fold. */
  #shortRuns(random: Random): ActStep[] {
    if (!random.chance(shortRunsShare)) return []
    const fromMs = 300 + random.next() * this.#quietMs * 0.4
    return Array.from({ length: 1 + random.below(2) }, () => {
      return shortRuns(random, random.pick(this.#nodes), this.#nodes).map(({ afterMs, words }) => {
        return { afterMs: fromMs + afterMs, words }
      })
    }).flat()
  }

  /** Drawn from a randomness of their own, after everything else. */
  #machineActions(): ScriptAction[] {
    const actions: ScriptAction[] = []
    if (this.#machines.length === 0) return actions
    this.random = new Random(Math.imul(this.#seed, 0xc2b2ae35) ^ 0x77)
    for (let left = 1 + this.random.below(3); left > 0; left--) {
      const atMs = 400 + this.random.next() * this.#quietMs * 0.7
      const kind = this.random.pick(this.#machines)
      for (const { afterMs, words } of machineFault(this, kind, `f${this.#added++}`)) {
        if (atMs + afterMs < this.#quietMs) actions.push({ atMs: Math.round((atMs + afterMs) * 10) / 10, words })
      }
    }
    return actions
  }

  get node(): string {
    return this.random.pick(this.#nodes)
  }

  get other(): [string, string] {
    const [a, b] = this.random.shuffle(this.#nodes)
    return [a!, b!]
  }

  get key(): string {
    return `k${this.random.below(this.#keys)}`
  }

  get value(): string {
    // Some values are equal to others: siblings with equal bytes are one.
    return this.random.chance(0.1) ? 'same' : `v${this.#values++}`
  }

  get unique(): string {
    return `u${this.#values++}`
  }

  get salt(): string {
    return String(this.random.below(1_000_000))
  }

  #write(): readonly ActStep[] {
    if (this.isCalm && this.random.chance(0.6)) return brief(this)
    if (this.#hasDocuments && this.random.chance(0.2)) return this.random.pick(documentActs)(this)
    return this.random.pick(acts)(this)
  }

  /** Sessions and gossip at once over a slow and lossy link: what one of them has compared, the other changes. */
  #rush(a: string, b: string, lastsMs: number): ActStep[] {
    const { random } = this
    const sessions = Array.from({ length: 3 + random.below(8) }, () => {
      const pair = random.chance(0.7) ? random.shuffle([a, b]) : this.other
      return { afterMs: random.next() * lastsMs, words: ['sync', ...pair] }
    })
    return [
      { afterMs: 0, words: ['clog', a, b, String(50 + random.below(1_500))] },
      { afterMs: 0, words: ['loss', (random.next() * 0.7).toFixed(2)] },
      { afterMs: 0, words: ['late', String(random.below(3_000))] },
      ...Array.from({ length: 1 + random.below(3) }, () => brief(this, random.next() * lastsMs)).flat(),
      ...sessions,
      { afterMs: lastsMs, words: ['clog', a, b, '0'] },
      { afterMs: lastsMs, words: ['loss', '0'] },
      { afterMs: lastsMs, words: ['late', '0'] },
    ]
  }

  #fault(kind: string): readonly ActStep[] {
    const drawn = nodeFaults[kind]
    if (drawn === undefined) return this.#otherFault(kind as FaultKind)
    const [a, b] = this.other
    return drawn(this, { a, b, lastsMs: 200 + this.random.next() * 4_000 })
  }

  #otherFault(kind: FaultKind): readonly ActStep[] {
    const { random } = this
    const lastsMs = 200 + random.next() * 4_000
    const [a, b] = this.other
    const reset = random.pick(['reset', 'silent'])
    const then = (words: string[], afterMs = lastsMs) => ({ afterMs, words })
    switch (kind) {
      case 'crash':
        return [then(['crash', a, reset], 0), then(['start', a])]
      case 'quick-crash':
        return [then(['crash', a, reset], 0), then(['start', a], 1 + random.next() * 30)]
      case 'stop':
        return [then(['stop', a], 0), then(['start', a])]
      case 'diskfail':
        return [
          then(['fail', a, random.pick(['before', 'after'])], 0),
          then(['crash', a, reset]),
          then(['start', a], lastsMs + 50),
        ]
      case 'cut':
        return [then(['cut', a, b], 0), then(['mend', a, b])]
      case 'oneway':
        return [then(['cut', a, b, 'oneway'], 0), then(['mend', a, b])]
      case 'flap':
        return Array.from({ length: 6 }, (_, at) =>
          then([at % 2 === 0 ? 'cut' : 'mend', a, b], at * 300 * random.next()),
        )
      case 'split': {
        const side = this.#nodes.filter(() => random.chance(0.5))
        return [then(['split', ...side], 0), then(['mendall'])]
      }
      case 'clog':
        return [then(['clog', a, b, String(100 + random.below(3_000))], 0), then(['clog', a, b, '0'])]
      case 'loss':
        return [then(['loss', random.next().toFixed(2)], 0), then(['loss', '0'])]
      case 'duplicate':
        return [then(['duplicate', random.next().toFixed(2)], 0), then(['duplicate', '0'])]
      case 'late':
        return [then(['late', String(random.below(6_000))], 0), then(['late', '0'])]
      case 'jump':
        return [then(['jump', a, String(Math.round((random.next() - (this.isLong ? 0.2 : 0.5)) * 400_000))], 0)]
      case 'rotate':
        return [then(['rotate', a], 0)]
      case 'rollback':
        return [
          then(['image', a], 0),
          then(['crash', a, reset]),
          then(['rollback', a], lastsMs + 1),
          then(['start', a], lastsMs + 200),
        ]
      case 'clone': {
        const copy = `c${this.#added++}`
        return [then(['clone', a, copy], 0)]
      }
      case 'add': {
        const fresh = `a${this.#added++}`
        return [then(['add', fresh], 0)]
      }
      case 'forget':
        return [then(['forget', a, b], 0)]
      case 'damage':
        return [
          then(['crash', a, reset], 0),
          then([random.pick(['flip', 'lose']), a, this.salt], 20),
          then(['start', a]),
        ]
      case 'rot':
        return [then(['flip', a, this.salt], 0)]
      case 'request':
        return [then(['sync', a, b], 0)]
      case 'rush':
        return this.#rush(a, b, lastsMs)
    }
  }
}

const faultKinds = [
  'crash',
  'quick-crash',
  'stop',
  'diskfail',
  'cut',
  'oneway',
  'flap',
  'split',
  'clog',
  'loss',
  'duplicate',
  'late',
  'jump',
  'rotate',
  'rollback',
  'clone',
  'add',
  'forget',
  'damage',
  'rot',
  'request',
  'rush',
] as const

type FaultKind = (typeof faultKinds)[number]
