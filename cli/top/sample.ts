/** One moment of a daemon as `top` shows it, and the rates between two. Pure. */
import type { Finding, Status } from '../client.js'

/** Rising counts and levels of a daemon that `top` shows. */
export interface TopFigures {
  /** Answered requests for data that write, and that read. */
  readonly writes: number
  readonly reads: number
  /** Updates that gossip sent out, and brought. */
  readonly gossipSent: number
  readonly gossipApplied: number
  /** Sync sessions that ended well, and that broke off. */
  readonly completed: number
  readonly cut: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly entriesSent: number
  readonly entriesReceived: number
  /** Bytes of memory of the daemon's process. */
  readonly rss: number
}

/** A key in conflict: how many versions it has, and who wrote them. */
export interface ConflictLine {
  readonly key: string
  readonly siblings: number
  readonly nodes: readonly string[]
}

/** One moment of a daemon. */
export interface TopSample {
  readonly atMs: number
  readonly status: Status
  readonly findings: readonly Finding[]
  readonly conflicts: readonly ConflictLine[]
  readonly figures: TopFigures
}

/** Rates a second between two samples. */
export type Rates = Pick<
  TopFigures,
  'writes' | 'reads' | 'gossipSent' | 'gossipApplied' | 'bytesSent' | 'bytesReceived'
>

const rated = ['writes', 'reads', 'gossipSent', 'gossipApplied', 'bytesSent', 'bytesReceived'] as const

/** Rates between two samples of one daemon; undefined when no time passed, or it restarted in between. */
export function ratesBetween(before: TopSample, after: TopSample): Rates | undefined {
  const seconds = (after.atMs - before.atMs) / 1_000
  const rates = rated.map((name) => [name, (after.figures[name] - before.figures[name]) / seconds] as const)
  if (seconds <= 0 || rates.some(([, rate]) => rate < 0)) return undefined
  return Object.fromEntries(rates) as unknown as Rates
}

const dataRoute = /^\/v1\/(?:kv|counters|sets|maps|docs|batch)\b/

/** Reads the figures out of the page of metrics; one that is not there is 0. */
export function figuresOf(page: string): TopFigures {
  const samples = [...page.matchAll(/^([a-z_]+)(?:\{([^}]*)\})? (\S+)$/gm)]
  const sum = (name: string, isWanted: (labels: string) => boolean = () => true) =>
    samples
      .filter(([, found, labels = '']) => found === name && isWanted(labels))
      .reduce((total, [, , , value]) => total + Number(value), 0)
  const answers = (methods: RegExp) =>
    sum('hearsay_http_answers_total', (labels) => {
      const [, method = '', route = ''] = /method="(\w+)",route="([^"]*)"/.exec(labels) ?? []
      return methods.test(method) && dataRoute.test(route)
    })
  return {
    writes: answers(/^(?:PUT|POST|PATCH|DELETE)$/),
    reads: answers(/^(?:GET|HEAD)$/),
    gossipSent: sum('hearsay_gossip_updates_published_total'),
    gossipApplied: sum('hearsay_gossip_updates_applied_total'),
    completed: sum('hearsay_sync_completed_total'),
    cut: sum('hearsay_sync_cut_total'),
    bytesSent: sum('hearsay_sync_bytes_sent_total'),
    bytesReceived: sum('hearsay_sync_bytes_received_total'),
    entriesSent: sum('hearsay_sync_entries_sent_total'),
    entriesReceived: sum('hearsay_sync_entries_received_total'),
    rss: sum('process_resident_memory_bytes'),
  }
}
