/** Prometheus metrics: read from the daemon's parts at the moment of a scrape. prom-client is loaded by the first one. */
import type { Gauge, Registry } from 'prom-client'
import type { ApiServices } from './services.js'

/** Counts of answers, by method, route and status with a space between. */
export type AnswerCounts = Map<string, number>

/** The metrics page. */
export class Metrics {
  readonly #services: Pick<ApiServices, 'node' | 'mesh'>
  readonly #answers: AnswerCounts
  #registry: Promise<Registry> | undefined

  constructor(services: Pick<ApiServices, 'node' | 'mesh'>, answers: AnswerCounts) {
    this.#services = services
    this.#answers = answers
  }

  /** The page and its content type. */
  async page(): Promise<{ readonly type: string; readonly text: string }> {
    this.#registry ??= this.#build()
    const registry = await this.#registry
    return { type: registry.contentType, text: (await registry.metrics()) + this.#counters() }
  }

  async #build(): Promise<Registry> {
    const { default: prometheus } = await import('prom-client')
    const registry = new prometheus.Registry()
    prometheus.collectDefaultMetrics({ register: registry })
    this.#nodeGauges(prometheus, registry)
    this.#memberGauges(prometheus, registry)
    return registry
  }

  #nodeGauges({ Gauge: Made }: typeof import('prom-client'), registry: Registry): void {
    const { node, mesh } = this.#services
    const gauges: [string, string, () => number | Promise<number>][] = [
      ['entries', 'Live entries of the users.', () => node.entries()],
      ['conflicts', 'Keys in conflict.', () => node.countConflicts()],
      [
        'verified',
        '1 once the store has been compared with its checksums since the start, else 0.',
        () => Number(node.isVerified()),
      ],
      [
        'store_failed',
        '1 while the node is read-only after a failure of its disk, else 0.',
        () => Number(node.obstacle()?.code === 'STORE_FAILED'),
      ],
      ['warnings', 'Warnings in the status.', () => node.warnings().length + mesh.warnings().length],
      ['members', 'Members but this node.', () => mesh.members().length],
      ['members_connected', 'Members with a connection.', () => mesh.members().filter((one) => one.connected).length],
      ['members_converged', 'Members proven equal.', () => mesh.members().filter((one) => one.converged).length],
    ]
    for (const [name, help, read] of gauges) {
      const gauge: Gauge = new Made({
        name: `hearsay_${name}`,
        help,
        registers: [registry],
        collect: async () => gauge.set(await read()),
      })
    }
  }

  #memberGauges({ Gauge: Made }: typeof import('prom-client'), registry: Registry): void {
    const { mesh } = this.#services
    const gauges = {
      behind: 'Updates that a member has not acknowledged.',
      ahead: 'Updates that a member has and this node has not, as last heard.',
    } as const
    for (const [name, help] of Object.entries(gauges) as [keyof typeof gauges, string][]) {
      const gauge: Gauge = new Made({
        name: `hearsay_member_${name}`,
        help,
        labelNames: ['member'],
        registers: [registry],
        collect: () => {
          gauge.reset()
          for (const member of mesh.members()) gauge.set({ member: member.name }, member[name])
        },
      })
    }
  }

  /** Counts kept elsewhere, in the text format of Prometheus. */
  #counters(): string {
    const lines: string[] = []
    for (const [name, value] of Object.entries(this.#services.node.counters())) {
      lines.push(`# TYPE hearsay_${name}_total counter`, `hearsay_${name}_total ${value}`)
    }
    lines.push(
      '# HELP hearsay_http_answers_total Answers of the HTTP API.',
      '# TYPE hearsay_http_answers_total counter',
    )
    for (const [label, value] of this.#answers) {
      const [method, route, status] = label.split(' ')
      lines.push(`hearsay_http_answers_total{method="${method}",route="${route}",status="${status}"} ${value}`)
    }
    return `${lines.join('\n')}\n`
  }
}
