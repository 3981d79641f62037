/** The listeners of the API: the Unix socket, and TCP with its guard. All share one router. */
import { chmodSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { headerBytesMax } from '../../../protocols/api/limits.js'
import { HearsayError } from '../../../store/errors.js'
import type { ApiAddress } from '../../config/checks.js'
import type { WebFile } from '../../web/files.js'
import { apiConnectionsMax, headersTimeoutMs, idleSocketMs, keepAliveMs } from '../limits.js'
import { problemOf, problemType, rawProblem, StatusError } from '../problem.js'
import { Guard, type GuardOptions } from './guard.js'

/** The sockets of one daemon. */
export class Listeners {
  readonly #route: RequestListener
  readonly #page: WebFile
  readonly #servers: Server[] = []
  /** The open connections, with the number of requests under way on each. */
  readonly #connections = new Map<Socket, { requests: number }>()
  #unix: Server | undefined
  #isClosing = false

  /** `route` handles requests that may pass; `page` is what a browser gets that has not signed in. */
  constructor(route: RequestListener, page: WebFile) {
    this.#route = route
    this.#page = page
  }

  /**
   * Listens on a Unix socket that only its owner can connect to; in place of the one before, whose connections go on.
   */
  async listenUnix(path: string): Promise<void> {
    await this.#endUnix()
    const server = this.#server(this.#route)
    this.#unix = server
    const before = process.umask(0o177)
    try {
      server.listen(path)
    } finally {
      process.umask(before)
    }
    await listening(server, path)
    chmodSync(path, 0o600)
  }

  /** Listens on TCP. Returns `host:port` with the port that was taken. Throws PORT_IN_USE. */
  async listenTcp(address: ApiAddress, guard: Omit<GuardOptions, 'host'>): Promise<string> {
    const gate = new Guard({ ...guard, host: address.host })
    const server = this.#server((request, response) => {
      const refusal = gate.check(request)
      if (refusal === undefined) this.#route(request, response)
      else refuse(request, response, refusal, this.#page)
    })
    server.listen(address.port, address.host)
    await listening(server, shown(address.host, address.port))
    return shown(address.host, (server.address() as AddressInfo).port)
  }

  /**
   * Ends the Unix listener. Must be done before the next one listens: the end of a listener removes the file at its
   * path, whoever made it.
   */
  async #endUnix(): Promise<void> {
    const server = this.#unix
    if (server === undefined) return
    this.#unix = undefined
    this.#servers.splice(this.#servers.indexOf(server), 1)
    server.close()
    await new Promise<void>((resolve) => setImmediate(resolve))
  }

  /** Takes no more connections, lets requests under way finish for so long, then breaks what is left. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => void server.close(() => resolve())))
    for (const [socket, { requests }] of this.#connections) if (requests === 0) socket.destroySoon()
    const hammer = setTimeout(() => {
      for (const socket of this.#connections.keys()) socket.destroy()
    }, graceMs)
    await Promise.all(closed)
    clearTimeout(hammer)
  }

  /** Knows each connection, and its requests. Node itself takes one that has sent nothing yet for busy. */
  #track(server: Server): void {
    server.on('connection', (socket: Socket) => {
      this.#connections.set(socket, { requests: 0 })
      socket.once('close', () => this.#connections.delete(socket))
    })
  }

  /** Counts a request until its answer is out, or its connection is gone. */
  #count({ socket }: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(socket)
    if (connection === undefined) return
    connection.requests++
    response.on('close', () => {
      connection.requests--
      if (connection.requests === 0 && this.#isClosing) socket.destroySoon()
    })
  }

  #server(handle: RequestListener): Server {
    const server = createServer(
      {
        maxHeaderSize: headerBytesMax,
        headersTimeout: headersTimeoutMs,
        requestTimeout: 0,
        keepAliveTimeout: keepAliveMs,
        connectionsCheckingInterval: 5_000,
        requireHostHeader: false,
      },
      (request, response) => {
        this.#count(request, response)
        handle(request, response)
      },
    )
    server.timeout = idleSocketMs
    server.maxConnections = apiConnectionsMax
    server.on('clientError', answerBroken)
    this.#track(server)
    this.#servers.push(server)
    return server
  }
}

function shown(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

const listenRemedies: Readonly<Record<string, string>> = {
  EADDRINUSE: 'it is taken: stop what uses it, or choose another with --api',
  EADDRNOTAVAIL: 'this machine does not have it: choose one of its own with --api',
  EACCES: 'this user may not: choose a port above 1023 with --api',
  ENOTFOUND: 'there is no such host: choose an address of this machine with --api',
  EAI_AGAIN: 'its name cannot be looked up: choose an address of this machine with --api',
}

function listening(server: Server, where: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const isTaken = cause.code === 'EADDRINUSE'
      const message = `the API cannot listen on ${where} (${cause.message}); ${listenRemedies[cause.code ?? ''] ?? 'choose another address with --api'}`
      reject(
        new HearsayError(isTaken ? 'PORT_IN_USE' : 'BAD_CONFIG', message, { key: 'api', address: where }, { cause }),
      )
    })
  })
}

/**
 * A browser that asks for the page without a token gets the page itself, which holds no data and asks for the token.
 */
function refuse(request: IncomingMessage, response: ServerResponse, error: HearsayError, page: WebFile): void {
  const problem = problemOf(error)
  if (problem.status === 401) response.setHeader('WWW-Authenticate', 'Bearer')
  const wantsPage = problem.status === 401 && request.method === 'GET' && request.url === '/'
  if (wantsPage && request.headers.accept?.includes('text/html') === true) {
    response.writeHead(401, page.headers).end(page.body)
    return
  }
  response.writeHead(problem.status, { 'Content-Type': problemType }).end(JSON.stringify(problem))
}

/** Answers what is not HTTP, or too much of it, and ends the connection. */
function answerBroken(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  socket.end(rawProblem(brokenRequest(error.code)), () => socket.destroySoon())
}

function brokenRequest(code: string | undefined): HearsayError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new StatusError(431, 'TOO_LARGE', `the request line and headers are over ${headerBytesMax} bytes`)
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new StatusError(408, 'BAD_REQUEST', 'the request did not come in time; send it again')
  }
  return new HearsayError('BAD_REQUEST', 'this is not an HTTP request')
}
