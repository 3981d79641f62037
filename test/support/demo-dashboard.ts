/**
 * A dashboard over the demo mesh: the real page and the real API over data in memory, with events as a daemon would
 * send them.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApi } from '../../daemon/http/app.js'
import type { Api } from '../../daemon/http/services.js'
import { loadWebFiles } from '../../daemon/web/files.js'
import type { RecordedSession } from '../../protocols/api/live.js'
import type { MemberStatus } from '../../protocols/membership/types.js'
import { Access } from '../../store/data/access.js'
import { UserData } from '../../store/data/user-data.js'
import { fillDemo } from './demo-data.js'
import {
  demoChanges,
  demoFindings,
  demoNames,
  demoPeer,
  demoRates,
  demoRoot,
  demoSessions,
  demoTag,
} from './demo-mesh.js'
import { FakeNode, fakeServices } from './fake-daemon.js'
import { FakeMeshView } from './fake-mesh-view.js'
import { openNode } from './replicas.js'
import { StillEnvironment } from './still-environment.js'

/** The files of the page as the build left them. */
const built = new URL('../../dist/daemon/web/', import.meta.url)

class DemoMeshApi extends FakeMeshView {
  override readonly name = 'nas'
  override readonly peer = demoPeer('nas')
  override members = () => [...this.shown]
  override warnings = (): string[] => []
  override nameOf = (tag: string) => demoNames.find((name) => demoTag(name) === tag) ?? 'nas'
  override where = async () => ({ nodes: ['nas', 'ann', 'cid', 'eve'], missing: [], unknown: ['pi'] })
  override invite = async () =>
    `hearsay1${Buffer.from('an invitation of the demo mesh, which leads nowhere').toString('base64url')}`

  constructor(public shown: readonly MemberStatus[]) {
    super()
  }

  override async block(peers: readonly string[]): Promise<void> {
    this.#mark(peers, true)
  }
  override async unblock(peers?: readonly string[]): Promise<void> {
    this.#mark(peers ?? this.shown.map(({ peer }) => peer), false)
  }
  override async forget(peer: string): Promise<void> {
    this.shown = this.shown.filter((member) => member.peer !== peer)
  }

  #mark(peers: readonly string[], blocked: boolean): void {
    this.shown = this.shown.map((member) =>
      peers.includes(member.peer) ? { ...member, blocked, connected: !blocked, converged: !blocked } : member,
    )
  }
}

/** A server with the page and what it asks for. Everything is open: the sign-in is tested with real daemons. */
export class DemoDashboard {
  readonly #events = new Set<ServerResponse>()
  #isSignedIn = true
  #sessions: readonly RecordedSession[]

  private constructor(
    private readonly server: Server,
    private readonly api: Api,
    private readonly mesh: DemoMeshApi,
    private readonly nowMs: number,
  ) {
    this.#sessions = demoSessions(nowMs)
    server.on('request', (request, response) => void this.#answer(request, response))
  }

  /** Starts one, with these members, as at one moment. `isEmpty`: without any data. */
  static async start(members: readonly MemberStatus[], nowMs = Date.now(), isEmpty = false): Promise<DemoDashboard> {
    const node = await openNode('nas', {}, new StillEnvironment('demo', nowMs))
    const data = new UserData(new Access(node.replica, () => Buffer.alloc(32, 1)))
    const mesh = new DemoMeshApi(members)
    const seen = new FakeNode()
    seen.root = () => demoRoot
    seen.warnings = () => []
    seen.entries = () => (isEmpty ? 0 : 56)
    seen.countConflicts = async () => (await data.registers.conflicts({ prefix: '', limit: 100 })).items.length
    const fakes = await fakeServices({ name: 'nas' })
    const services = { ...fakes, ...data.services(), mesh, node: seen, web: loadWebFiles(built), nowMs: () => nowMs }
    const api = await createApi(services)
    if (!isEmpty) await fillDemo(api, node, nowMs)
    const server = createServer()
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    return new DemoDashboard(server, api, mesh, nowMs)
  }

  /** The address of the page. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`
  }

  /** Shows other members from now on. */
  async showMembers(members: readonly MemberStatus[]): Promise<void> {
    this.mesh.shown = members
    await this.#sendStatus()
  }

  /** Shows these sessions, as events of their steps. */
  showSession({ steps, ...head }: RecordedSession): void {
    for (const step of steps) this.#send('session', { ...head, step })
  }

  /** Signs every reader out: requests are refused from now on. */
  signOut(): void {
    this.#isSignedIn = false
    this.cut()
  }

  /** Cuts the streams of events. */
  cut(): void {
    for (const response of this.#events) response.destroy()
  }

  /** Ends the server. */
  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((closed) => this.server.close(closed))
    await this.api.close()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split('?')[0] ?? '/'
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    if (!this.#isSignedIn && path.startsWith('/v1/')) json(401, { code: 'UNAUTHORIZED', detail: 'not signed in' })
    else if (path === '/v1/events') await this.#open(response)
    else if (path === '/v1/sessions') json(200, { sessions: this.#sessions })
    else if (path === '/v1/doctor') json(200, { findings: demoFindings })
    else if (path === '/session') response.writeHead(204).end()
    else this.#route(request, response)
  }

  /** Hands a request to the real API, and says what it has changed. */
  #route(request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== 'GET') response.once('finish', () => void this.#sendStatus())
    this.api.routing(request, response)
  }

  async #open(response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    this.#events.add(response)
    response.once('close', () => this.#events.delete(response))
    await this.#sendStatus()
    for (const rates of demoRates(this.nowMs)) this.#send('rates', rates)
    for (const change of demoChanges(this.nowMs)) this.#send('change', change)
  }

  async #sendStatus(): Promise<void> {
    const { body } = await this.api.inject({ url: '/v1/status' })
    this.#send('status', JSON.parse(body))
  }

  #send(event: string, data: unknown): void {
    for (const response of this.#events) response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }
}
