/**
 * The text format of Prometheus (0.0.4) for what the daemon counts itself. Names and labels are those of the code:
 * nothing in them needs escaping.
 */
import type { HistogramFamily } from './histogram.js'

/** Prefix of every metric of hearsay. */
export const metricPrefix = 'hearsay_'

/** One line: a series and its value. */
export interface MetricSeries {
  /** As between the braces; empty without labels. */
  readonly labels: string
  readonly value: number
}

/** Lines of one counter; `name` is without prefix and suffix. */
export function counterLines(name: string, help: string, samples: Iterable<MetricSeries>): string {
  const full = `${metricPrefix}${name}_total`
  const lines = [`# HELP ${full} ${help}`, `# TYPE ${full} counter`]
  for (const { labels, value } of samples) lines.push(line(full, labels, value))
  return `${lines.join('\n')}\n`
}

/** Lines of one family of histograms. */
export function histogramLines(family: HistogramFamily): string {
  const { name, help, bounds } = family
  const full = `${metricPrefix}${name}`
  const lines = [`# HELP ${full} ${help}`, `# TYPE ${full} histogram`]
  for (const [labels, { counts, sum }] of family.series()) {
    let below = 0
    for (const [index, bound] of [...bounds, '+Inf'].entries()) {
      below += counts[index]!
      lines.push(line(`${full}_bucket`, joined(labels, `le="${bound}"`), below))
    }
    lines.push(line(`${full}_sum`, labels, sum), line(`${full}_count`, labels, below))
  }
  return `${lines.join('\n')}\n`
}

function joined(labels: string, last: string): string {
  return labels === '' ? last : `${labels},${last}`
}

function line(name: string, labels: string, value: number): string {
  return labels === '' ? `${name} ${value}` : `${name}{${labels}} ${value}`
}
