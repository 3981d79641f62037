/**
 * Histograms of durations, kept from the start on: prom-client is loaded by the first scrape alone, and what was
 * observed before it must not be lost.
 */

/** Family of histograms with one name, one for each set of labels. */
export interface HistogramFamily {
  /** Name in the metrics, without the prefix: `store_commit_duration_seconds`. */
  readonly name: string
  /** Help text; begins with a noun. */
  readonly help: string
  /** Upper bounds of the buckets in seconds, ascending; the last one, without end, is not among them. */
  readonly bounds: readonly number[]
  /** Every set of labels that was observed, as it stands between the braces of the text format, with its histogram. */
  series(): Iterable<readonly [labels: string, histogram: Durations]>
}

/** Bounds for what a client waits for, in seconds: from a read in memory to a write that waits for other nodes. */
export const answerBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

/**
 * Bounds for one durable batch, in seconds: from a disk with a cache that survives power loss to one that is failing.
 */
export const commitBounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5] as const

/** Bounds for one sync session, in seconds: from two equal neighbours to an empty node over a slow link. */
export const sessionBounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 600] as const

/** Durations in buckets, with their sum. */
export class Durations {
  /** Observations of each bucket alone, not of those below; the last has no upper bound. */
  readonly counts: number[]
  /** Sum of all, in seconds. */
  sum = 0
  readonly #bounds: readonly number[]

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.counts = new Array(bounds.length + 1).fill(0)
  }

  /** Adds one duration, in milliseconds. One below zero, as a clock that was set may give, counts as zero. */
  observe(durationMs: number): void {
    const seconds = Math.max(0, durationMs) / 1000
    let bucket = 0
    while (bucket < this.#bounds.length && seconds > this.#bounds[bucket]!) bucket++
    this.counts[bucket]!++
    this.sum += seconds
  }
}

/** One histogram without labels. */
export class SingleHistogram implements HistogramFamily {
  readonly durations: Durations

  constructor(
    readonly name: string,
    readonly help: string,
    readonly bounds: readonly number[],
  ) {
    this.durations = new Durations(bounds)
  }

  series(): Iterable<readonly [string, Durations]> {
    return [['', this.durations]]
  }
}

/** Histograms told apart by the value of one label, which has few values. */
export class LabelledHistogram implements HistogramFamily {
  readonly #series = new Map<string, Durations>()

  constructor(
    readonly name: string,
    readonly help: string,
    readonly bounds: readonly number[],
    private readonly label: string,
  ) {}

  /** Adds one duration, in milliseconds, under a value of the label. */
  observe(value: string, durationMs: number): void {
    let durations = this.#series.get(value)
    if (durations === undefined) {
      durations = new Durations(this.bounds)
      this.#series.set(value, durations)
    }
    durations.observe(durationMs)
  }

  *series(): Iterable<readonly [string, Durations]> {
    for (const [value, durations] of this.#series) yield [`${this.label}="${value}"`, durations]
  }
}
