/** A fake daemon: an HTTP server on a Unix socket or TCP that records requests and gives the answers of a test. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { breachOf } from './contract-check.js'

/** A request as it came: `url` is raw. */
export interface Recorded {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** An answer; `body` is sent as JSON unless it is bytes. */
export interface FakeAnswer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: unknown
  /** Cuts the connection: instead of an answer, or in its middle. */
  readonly cut?: 'before' | 'within'
  /** True if the answer, or what is asked, is of no daemon of this version, on purpose. */
  readonly isForeign?: true
}

/** A running fake. */
export interface FakeApi {
  /** Address as `--api` takes it. */
  readonly api: string
  /** A folder of its own, in which the socket is `api.sock`. */
  readonly directory: string
  readonly requests: Recorded[]
  /** Ends it. Throws when something was asked or answered that the contract does not know. */
  stop(): Promise<void>
}

/** Starts a fake. `answer` may throw: the request is then answered with 500. */
export async function startFakeApi(
  answer: (request: Recorded) => FakeAnswer | Promise<FakeAnswer>,
  transport: 'unix' | 'tcp' = 'unix',
): Promise<FakeApi> {
  const directory = await mkdtemp(join(tmpdir(), 'hearsay-fake-'))
  const requests: Recorded[] = []
  const breaches: string[] = []
  const server = createServer(listener(requests, breaches, answer))
  await listen(server, transport === 'unix' ? { path: join(directory, 'api.sock') } : { port: 0, host: '127.0.0.1' })
  const api =
    transport === 'unix'
      ? `unix:${join(directory, 'api.sock')}`
      : `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const stop = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await rm(directory, { recursive: true, force: true })
    if (breaches.length > 0) throw new Error(`the fake daemon is not as protocols/api says:\n${breaches.join('\n')}`)
  }
  return { api, directory, requests, stop }
}

function listen(server: Server, where: { path: string } | { port: number; host: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, resolve)
  })
}

function listener(
  requests: Recorded[],
  breaches: string[],
  answer: (request: Recorded) => FakeAnswer | Promise<FakeAnswer>,
): RequestListener {
  return async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { method = '', url = '', headers } = request
    const recorded = { method, url, headers, body: Buffer.concat(chunks) }
    requests.push(recorded)
    const answered = await answer(recorded)
    const { status = 200, headers: more = {}, body, cut, isForeign } = answered
    const breach = isForeign === true ? undefined : breachOf(recorded, answered)
    if (breach !== undefined) breaches.push(breach)
    if (cut === 'before') return void request.socket.destroy()
    const bytes = body instanceof Uint8Array ? body : body === undefined ? Buffer.alloc(0) : JSON.stringify(body)
    response.writeHead(status, more)
    if (cut === undefined) return void response.end(bytes)
    response.write(bytes, () => request.socket.destroy())
  }
}

/** A problem document as the daemon sends it. */
export function problem(status: number, code: string, detail: string, more: Record<string, unknown> = {}): FakeAnswer {
  return {
    status,
    headers: { 'Content-Type': 'application/problem+json' },
    body: { type: 'about:blank', title: code, status, code, detail, ...more },
  }
}
