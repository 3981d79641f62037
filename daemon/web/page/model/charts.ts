/** Rates as series for the charts, and each chart in a sentence. */
import type { Rates } from './events.js'
import { bytesText, countText, lengthText } from './format.js'

/** A line of a chart. */
export interface ChartSeries {
  readonly label: string
  readonly of: (rates: Rates) => number | null
}
/** A chart. */
export interface ChartPlan {
  readonly id: string
  readonly title: string
  readonly text: (value: number) => string
  readonly series: readonly ChartSeries[]
}

const perSecond = (value: number) => `${countText(Math.round(value * 10) / 10)}/s`
const bytesPerSecond = (value: number) => `${bytesText(value)}/s`

/** All charts, in their order. */
export const chartPlans: readonly ChartPlan[] = [
  {
    id: 'operations',
    title: 'Operations',
    text: perSecond,
    series: [
      { label: 'writes', of: ({ writes }) => writes },
      { label: 'reads', of: ({ reads }) => reads },
    ],
  },
  {
    id: 'latency',
    title: 'Latency of the API',
    text: lengthText,
    series: [
      { label: 'p50', of: ({ p50Ms }) => p50Ms },
      { label: 'p99', of: ({ p99Ms }) => p99Ms },
    ],
  },
  {
    id: 'bytes',
    title: 'Bytes on the wire',
    text: bytesPerSecond,
    series: [
      { label: 'gossip', of: ({ bytes }) => bytes.gossip.in + bytes.gossip.out },
      { label: 'sync', of: ({ bytes }) => bytes.sync.in + bytes.sync.out },
      { label: 'heartbeats', of: ({ bytes }) => bytes.heartbeat.in + bytes.heartbeat.out },
    ],
  },
  { id: 'memory', title: 'Memory', text: bytesText, series: [{ label: 'resident', of: ({ rss }) => rss }] },
]

/** Columns of a chart: seconds since 1970, then one column for each series. */
export function columnsOf({ series }: ChartPlan, rates: readonly Rates[]): (number | null)[][] {
  return [rates.map(({ at }) => Date.parse(at) / 1000), ...series.map(({ of }) => rates.map((one) => of(one)))]
}

/** A chart in a sentence: what each series is now, and at most was. */
export function chartText({ series, text }: ChartPlan, rates: readonly Rates[]): string {
  const said = series.map(({ label, of }) => {
    const values = rates.map((one) => of(one)).filter((value) => value !== null)
    const now = values.at(-1)
    return now === undefined ? `${label}: nothing yet` : `${label} ${text(now)}, at most ${text(Math.max(...values))}`
  })
  return `${said.join('; ')}.`
}
