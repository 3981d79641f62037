/**
 * The page for Prometheus: gauges read from the daemon's parts at the moment of a scrape, and what they have counted.
 * prom-client, which the first scrape loads, has the gauges and those of the process.
 */
import { statfs } from 'node:fs/promises'
import type { Gauge, Registry } from 'prom-client'
import type { MemberStatus } from '../../protocols/membership/types.js'
import type { Answers } from '../metrics/answers.js'
import { counterHelp } from '../metrics/counters.js'
import { counterLines, histogramLines, metricPrefix } from '../metrics/text.js'
import type { ApiServices } from './services.js'

type Prometheus = typeof import('prom-client')
type Services = Pick<ApiServices, 'node' | 'mesh' | 'config'>

/** Gauges of prom-client named like counters. Their numbers are those of the gauges without the suffix, summed. */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** One gauge of the node: its name without prefix, its help text, and its value. */
type NodeGauge = readonly [name: string, help: string, read: () => number | Promise<number>]

/** One gauge with a value for each member; undefined: there is none yet. */
type MemberGauge = readonly [name: string, help: string, read: (member: MemberStatus) => number | undefined]

const memberGauges: readonly MemberGauge[] = [
  ['connected', 'Connection to a member: 1 when there is one, else 0.', ({ connected }) => Number(connected)],
  [
    'converged',
    'Equality with a member: 1 when its last heartbeat showed it equal, else 0.',
    (one) => Number(one.converged),
  ],
  ['behind', 'Updates that a member has not acknowledged.', ({ behind }) => behind],
  ['ahead', 'Updates that a member has and this node has not, as last heard.', ({ ahead }) => ahead],
  ['held_bytes', 'Bytes of the log that are kept for a member.', ({ hints }) => hints.bytes],
  ['last_equal_timestamp_seconds', 'Time at which a member was last proven equal.', (one) => seconds(one.lastEqualMs)],
  ['last_seen_timestamp_seconds', 'Time at which a member was last heard.', (one) => seconds(one.lastSeenMs)],
  ['clock_offset_seconds', "Lead of a member's clock over this node's.", (one) => seconds(one.clockOffsetMs)],
]

function nodeGauges({ node, mesh, config }: Services): readonly NodeGauge[] {
  const members = (is: (member: MemberStatus) => boolean) => mesh.members().filter(is).length
  const hasFailed = () => node.obstacle()?.code === 'STORE_FAILED'
  return [
    ['entries', 'Live entries of the users.', () => node.entries()],
    ['conflicts', 'Keys in conflict.', () => node.countConflicts()],
    ['log_bytes', 'Bytes of updates that are kept for members that miss them.', () => node.logBytes()],
    [
      'verified',
      'Verification of the store: 1 once it has been compared with its checksums, else 0.',
      () => Number(node.isVerified()),
    ],
    [
      'store_failed',
      'Failure of the store: 1 while its disk has failed and the node is read-only, else 0.',
      () => Number(hasFailed()),
    ],
    [
      'disk_free_bytes',
      'Bytes that are free on the disk of the data directory.',
      () => freeBytes(config.settings.data),
    ],
    ['warnings', 'Warnings in the status.', () => node.warnings().length + mesh.warnings().length],
    ['members', 'Members but this node.', () => members(() => true)],
    ['members_connected', 'Members with a connection.', () => members(({ connected }) => connected)],
    ['members_converged', 'Members proven equal.', () => members(({ converged }) => converged)],
  ]
}

/** The metrics page. */
export class Metrics {
  readonly #services: Services
  readonly #answers: Answers
  readonly #members: (readonly [Gauge, MemberGauge[2]])[] = []
  #registry: Promise<Registry> | undefined

  constructor(services: Services, answers: Answers) {
    this.#services = services
    this.#answers = answers
  }

  /** The page and its content type. */
  async page(): Promise<{ readonly type: string; readonly text: string }> {
    this.#registry ??= this.#build()
    const registry = await this.#registry
    this.#setMembers()
    return { type: registry.contentType, text: `${await registry.metrics()}${this.#counted()}` }
  }

  async #build(): Promise<Registry> {
    const { default: prometheus } = await import('prom-client')
    const registry = new prometheus.Registry()
    prometheus.collectDefaultMetrics({ register: registry })
    for (const name of misnamed) registry.removeSingleMetric(name)
    this.#addNode(prometheus, registry)
    for (const [name, help, read] of memberGauges) {
      const options = { name: `${metricPrefix}member_${name}`, help, labelNames: ['member'], registers: [registry] }
      this.#members.push([new prometheus.Gauge(options), read])
    }
    return registry
  }

  #addNode(prometheus: Prometheus, registry: Registry): void {
    const { node } = this.#services
    const build = { name: `${metricPrefix}build_info`, help: 'Version of hearsay, as a label of the constant 1.' }
    new prometheus.Gauge({ ...build, labelNames: ['version'], registers: [registry] }).set({ version: node.version }, 1)
    for (const [name, help, read] of nodeGauges(this.#services)) {
      const gauge: Gauge = new prometheus.Gauge({
        name: `${metricPrefix}${name}`,
        help,
        registers: [registry],
        collect: async () => gauge.set(await read()),
      })
    }
  }

  /** One label for each member: their number has a limit of its own. */
  #setMembers(): void {
    const members = this.#services.mesh.members()
    for (const [gauge, read] of this.#members) {
      gauge.reset()
      for (const member of members) {
        const value = read(member)
        if (value !== undefined) gauge.set({ member: member.name }, value)
      }
    }
  }

  /** Counts and histograms that the parts keep themselves. */
  #counted(): string {
    const { node } = this.#services
    const counters = Object.entries(node.counters()).map(([name, value]) =>
      counterLines(name, counterHelp.get(name)!, [{ labels: '', value }]),
    )
    const answers = counterLines('http_answers', 'Answers of the HTTP API.', this.#answers.statuses())
    const histograms = [this.#answers, ...node.histograms()].map(histogramLines)
    return [...counters, answers, ...histograms].join('')
  }
}

function seconds(milliseconds: number | null): number | undefined {
  return milliseconds === null ? undefined : milliseconds / 1000
}

/** NaN where the system does not say. */
async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch {
    return Number.NaN
  }
}
