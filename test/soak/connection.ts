/** One connection to a node, opened again when it was idle: the daemon closes those that are for some seconds. */
import { anyRequest, type LoadAnswer, type RawClient } from '../bench/support/load.js'

/** Idle time after which a connection is not used again, in milliseconds. */
const idleMsMax = 1_000

/** A request before it is bytes. */
export interface SoakRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  readonly path: string
  readonly body?: string | undefined
}

/** A connection that carries one request at a time. */
export class SoakConnection {
  readonly #open: () => Promise<RawClient>
  #client: RawClient | undefined
  #usedMs = 0

  constructor(open: () => Promise<RawClient>) {
    this.#open = open
  }

  /** Sends a request; resolves with its answer. Rejects when the connection breaks. */
  async send({ method, path, body }: SoakRequest): Promise<LoadAnswer> {
    if (performance.now() - this.#usedMs > idleMsMax) this.close()
    this.#client ??= await this.#open()
    const type = method === 'POST' ? 'application/json' : 'application/octet-stream'
    const answer = await this.#client.send(anyRequest(method, path, body, type))
    this.#usedMs = performance.now()
    return answer
  }

  /** Sends a write. Throws when it is not acknowledged. */
  async write(request: SoakRequest): Promise<void> {
    const { status, body } = await this.send(request)
    if (status < 300) return
    throw new Error(`${request.method} ${request.path} was answered with ${status}: ${body}`)
  }

  /** Closes the connection. */
  close(): void {
    this.#client?.close()
    this.#client = undefined
  }
}
