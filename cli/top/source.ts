/** Source of what `top` shows: asks the daemon again and again. Another one may be notified by it instead. */
import type { Client, Conflict, Finding } from '../client.js'
import { topConflictsMax, topFindingsMs } from '../limits.js'
import { type ConflictLine, figuresOf, type TopSample } from './sample.js'

/** Gives one sample after the other. */
export interface TopSource {
  /** Resolves with the state of the daemon; rejects with HearsayApiError while it cannot be reached. */
  next(): Promise<TopSample>
}

/** Asks for status and metrics each time; for findings, and for conflicts where there are any, now and then. */
export class PollingSource implements TopSource {
  readonly #client: Client
  readonly #nowMs: () => number
  #findings: readonly Finding[] = []
  #conflicts: readonly ConflictLine[] = []
  #conflictsOf = 0
  #lookedMs = Number.NEGATIVE_INFINITY

  constructor(client: Client, nowMs: () => number) {
    this.#client = client
    this.#nowMs = nowMs
  }

  async next(): Promise<TopSample> {
    const [status, metrics] = await Promise.all([this.#client.status(), this.#client.metrics()])
    const atMs = this.#nowMs()
    if (atMs - this.#lookedMs >= topFindingsMs || status.conflicts !== this.#conflictsOf) {
      this.#lookedMs = atMs
      this.#conflictsOf = status.conflicts
      this.#findings = await this.#client.diagnose()
      this.#conflicts = status.conflicts === 0 ? [] : await this.#firstConflicts()
    }
    const { conflicts, findings } = { conflicts: this.#conflicts, findings: this.#findings }
    return { atMs, status, findings, conflicts, figures: figuresOf(metrics) }
  }

  async #firstConflicts(): Promise<ConflictLine[]> {
    const lines: ConflictLine[] = []
    for await (const conflict of this.#client.conflicts()) {
      lines.push(lineOf(conflict))
      if (lines.length === topConflictsMax) break
    }
    return lines
  }
}

function lineOf({ key, field, versions }: Conflict): ConflictLine {
  const nodes = [...new Set(versions.map(({ node }) => node))]
  return { key: field === '' ? key : `${key} ${field}`, siblings: versions.length, nodes }
}
