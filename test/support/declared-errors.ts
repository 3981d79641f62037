/** The codes that a daemon under test refused with, against the rows of the contract: each must be declared there. */
import type { Log } from '../../daemon/log/log.js'
import { silentLog } from '../../daemon/log/log.js'
import { anywhere } from '../../protocols/api/common.js'
import type { Endpoint } from '../../protocols/api/endpoint.js'
import { endpoints } from '../../protocols/api/endpoints.js'

interface Refusal {
  readonly method: string
  /** The route as the router writes it. */
  readonly route: string
  readonly code: string
}

/** A log that says nothing and keeps every refusal that the router tells of. */
export class RefusalLog {
  readonly #seen: Refusal[] = []
  readonly log: Log

  constructor() {
    const keep = (fields: object) => {
      if ('route' in fields && 'code' in fields) this.#seen.push(fields as Refusal)
    }
    this.log = { ...silentLog, debug: keep, error: keep }
  }

  /** The refusals that the contract does not know, `GET /v1/kv/{key}: CODE`, and forgets all. */
  undeclared(): string[] {
    const all = this.#seen.splice(0).map(({ method, route, code }) => {
      return { route: `${method === 'HEAD' ? 'GET' : method} ${route.replaceAll(/:(\w+)/g, '{$1}')}`, code }
    })
    return all.filter(({ route, code }) => !isDeclared(route, code)).map(({ route, code }) => `${route}: ${code}`)
  }
}

/** Paths that no row has are answered by the router itself. */
function isDeclared(route: string, code: string): boolean {
  const endpoint = Object.values<Endpoint>(endpoints).find((one) => one.route === route)
  if (endpoint === undefined) return true
  return [...anywhere, ...(endpoint.errors ?? [])].some((one) => one === code)
}
