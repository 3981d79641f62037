/**
 * Load over HTTP: clients with one kept connection each, as cheap as may be, since they share the machine with what
 * they measure.
 */
import { connect, type Socket } from 'node:net'

const headEnd = Buffer.from('\r\n\r\n')

/** An answer: its status and body. */
export interface LoadAnswer {
  readonly status: number
  readonly body: Buffer
}

/** One connection with one request at a time. Understands answers with a length, and those without a body. */
export class RawClient {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #waiter: { resolve(answer: LoadAnswer): void; reject(error: Error): void } | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', (error) => this.#waiter?.reject(error))
    socket.on('close', () => this.#waiter?.reject(new Error('the connection was closed')))
  }

  /** Connects to a Unix socket. */
  static open(path: string): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(path, () => resolve(new RawClient(socket)))
      socket.once('error', reject)
    })
  }

  /** Sends a whole request; resolves with its answer. Rejects when the connection is closed. */
  send(request: Buffer): Promise<LoadAnswer> {
    if (this.#socket.destroyed) return Promise.reject(new Error('the connection was closed'))
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
      this.#socket.write(request)
    })
  }

  /** Closes the connection. */
  close(): void {
    this.#waiter = undefined
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    const end = this.#received.indexOf(headEnd)
    if (end === -1) return
    const head = this.#received.toString('latin1', 0, end)
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    const from = end + headEnd.length
    if (this.#received.length < from + length) return
    const body = this.#received.subarray(from, from + length)
    this.#received = this.#received.subarray(from + length)
    const waiter = this.#waiter
    this.#waiter = undefined
    waiter?.resolve({ status: Number(head.slice(9, 12)), body })
  }
}

/** The bytes of a PUT of a value. */
export function putRequest(key: string, value: Buffer): Buffer {
  const head = `PUT /v1/kv/${encodeURIComponent(key)} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/octet-stream\r\nContent-Length: ${value.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), value])
}

/** The bytes of a GET. */
export function getRequest(path: string): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: bench\r\nAccept: application/octet-stream\r\n\r\n`)
}

/** The bytes of a POST of JSON. */
export function postRequest(path: string, body: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(body))
  const head = `POST ${path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), text])
}

/** The bytes of a request with any method, its body as it stands. */
export function anyRequest(method: string, path: string, body: string | undefined, type: string): Buffer {
  const bytes = Buffer.from(body ?? '')
  const about = body === undefined ? '' : `Content-Type: ${type}\r\nContent-Length: ${bytes.length}\r\n`
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: bench\r\n${about}\r\n`), bytes])
}

/** What a load came to. */
export interface Loaded {
  readonly perSecond: number
  readonly latenciesMs: readonly number[]
}

/** Clients that send requests one after another until all are answered. Throws at an answer that is no success. */
export async function load(socketPath: string, clients: number, requests: readonly Buffer[]): Promise<Loaded> {
  const open = await Promise.all(Array.from({ length: clients }, () => RawClient.open(socketPath)))
  const latenciesMs: number[] = []
  let at = 0
  const startMs = performance.now()
  await Promise.all(
    open.map(async (client) => {
      while (at < requests.length) {
        const sentMs = performance.now()
        const { status, body } = await client.send(requests[at++]!)
        if (status >= 300) throw new Error(`answered with ${status}: ${body}`)
        latenciesMs.push(performance.now() - sentMs)
      }
    }),
  )
  const perSecond = requests.length / ((performance.now() - startMs) / 1000)
  for (const client of open) client.close()
  return { perSecond, latenciesMs }
}
