/** The real listeners of the API over fakes, and raw requests to them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApi } from '../../daemon/http/app.js'
import { Listeners } from '../../daemon/http/listening/listeners.js'
import { type FakeServices, fakeServices } from './fake-daemon.js'
import { type RawAnswer, type RawRequest, type RequestTarget, requestRaw } from './raw-request.js'

/** The token of every test server. */
export const testToken = 'test-token-0123456789'

/** A server with both kinds of listeners. */
export interface ApiServer {
  readonly services: FakeServices
  readonly socketPath: string
  readonly host: string
  readonly port: number
  readonly listeners: Listeners
  /** Requests under way may go on for `graceMs`: 0 when absent. */
  close(graceMs?: number): Promise<void>
}

/** Starts one; `flags` as for the daemon. `isReal`: registers too are the real ones, in memory. */
export async function startApiServer(flags: Record<string, unknown> = {}, isReal = false): Promise<ApiServer> {
  const directory = mkdtempSync(join(tmpdir(), 'hearsay-api-'))
  const services = await fakeServices(flags)
  const api = await createApi(isReal ? { ...services, ...services.real.services() } : services)
  const listeners = new Listeners(api.routing, services.web.page)
  const socketPath = join(directory, 'api.sock')
  await listeners.listenUnix(socketPath)
  const address = await listeners.listenTcp(
    { host: '127.0.0.1', port: 0 },
    { token: testToken, hostname: 'a', signIn: services.signIn },
  )
  const [host, port] = address.split(':')
  const close = async (graceMs = 0) => {
    await listeners.close(graceMs)
    await api.close()
    rmSync(directory, { recursive: true, force: true })
  }
  return { services, socketPath, host: host!, port: Number(port), listeners, close }
}

/** An answer with its body as JSON. */
export interface ParsedAnswer extends RawAnswer {
  json(): Record<string, unknown>
}

/** One request with a path that nothing rewrites. `where` may be a server: its socket. */
export async function ask(where: RequestTarget, asked: RawRequest): Promise<ParsedAnswer> {
  const to = 'socketPath' in where ? { socketPath: where.socketPath } : { host: where.host, port: where.port }
  const answer = await requestRaw(to, asked)
  return { ...answer, json: () => JSON.parse(answer.body.toString('utf8')) as Record<string, unknown> }
}

/** Opens a plain connection; resolves once it is open. */
export function connectTo(server: ApiServer): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.socketPath, () => resolve(socket))
    socket.once('error', reject)
  })
}

/** Everything that comes from a connection until it ends, or until `isEnough`. */
export function received(socket: Socket, isEnough: (text: string) => boolean = () => false): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (isEnough(text)) resolve(text)
    })
    socket.on('error', () => resolve(text))
    socket.on('close', () => resolve(text))
  })
}
