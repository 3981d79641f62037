/**
 * Counts and durations of the answers of the HTTP API, by method and route: the names of both are bounded, whatever
 * clients send.
 */
import { routes } from '../../protocols/api/routes.js'
import { answerBounds, Durations, type HistogramFamily } from './histogram.js'
import type { MetricSeries } from './text.js'

/** Route of a request for a path that the API does not have. */
const unknownRoute = '(unknown)'
/** Method of a request that no route has. */
const otherMethod = 'other'

const methods: ReadonlySet<string> = new Set([
  ...Object.values(routes).map((route) => route.slice(0, route.indexOf(' '))),
  'HEAD',
  'OPTIONS',
])

interface RouteAnswers {
  readonly labels: string
  readonly durations: Durations
  readonly byStatus: Map<number, number>
}

/** Answers since the start. */
export class Answers implements HistogramFamily {
  readonly name = 'http_request_duration_seconds'
  readonly help = 'Time from a request to the end of its answer, by method and route; streams count when they end.'
  readonly bounds = answerBounds
  readonly #byRoute = new Map<string, RouteAnswers>()

  /** Counts an answer. `route` is the pattern of the route as the router has it; undefined: there is none. */
  add(method: string, route: string | undefined, status: number, durationMs: number): void {
    const key = `${method} ${route}`
    let answers = this.#byRoute.get(key)
    if (answers === undefined) {
      answers = this.#answersOf(method, route)
      if (methods.has(method)) this.#byRoute.set(key, answers)
    }
    answers.durations.observe(durationMs)
    answers.byStatus.set(status, (answers.byStatus.get(status) ?? 0) + 1)
  }

  *series(): Iterable<readonly [string, Durations]> {
    for (const { labels, durations } of this.#byRoute.values()) yield [labels, durations]
  }

  /** Counts by method, route and status. */
  *statuses(): Iterable<MetricSeries> {
    for (const { labels, byStatus } of this.#byRoute.values()) {
      for (const [status, value] of byStatus) yield { labels: `${labels},status="${status}"`, value }
    }
  }

  #answersOf(method: string, route: string | undefined): RouteAnswers {
    const shown = methods.has(method) ? method : otherMethod
    const labels = `method="${shown}",route="${route ?? unknownRoute}"`
    const known = this.#byRoute.get(`${shown} ${route}`)
    if (known !== undefined) return known
    const made = { labels, durations: new Durations(this.bounds), byStatus: new Map() }
    this.#byRoute.set(`${shown} ${route}`, made)
    return made
  }
}
