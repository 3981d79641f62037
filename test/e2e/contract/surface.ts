/**
 * What the tests of the promised surface share: raw requests, the shapes of what is answered, and a mesh of three that
 * can be cut.
 */
import { expect } from 'vitest'
import { type RawAnswer, type RawRequest, requestRaw } from '../../support/raw-request.js'
import { allEqual, connectedTo, type Daemon, Fleet } from '../daemons.js'

/** How long three daemons may take to start and to be equal on a busy machine, in milliseconds. */
export const startMs = 120_000

/** An answer, whole; `json` is its body when it says that it is JSON. */
export interface SurfaceAnswer extends RawAnswer {
  // biome-ignore lint/suspicious/noExplicitAny: what a test compares with what is promised
  readonly json: any
}

/** One raw request; over the daemon's socket unless a URL is given. Paths go out as they are. */
export async function askRaw(
  daemon: Daemon,
  path: string,
  { url, ...asked }: Omit<RawRequest, 'path'> & { url?: string } = {},
): Promise<SurfaceAnswer> {
  const where = url === undefined ? { socketPath: daemon.ready.api[0]!.slice('unix:'.length) } : targetOf(url)
  const answer = await requestRaw(where, { path, ...asked })
  const isJson = /json/.test(String(answer.headers['content-type'])) && answer.body.length > 0
  return { ...answer, json: isJson ? JSON.parse(answer.body.toString()) : undefined }
}

function targetOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}

/** PUT with these bytes. */
export const putRaw = (daemon: Daemon, path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
  askRaw(daemon, path, { method: 'PUT', body, headers })
/** POST with this as JSON. */
export const postRaw = (daemon: Daemon, path: string, body: unknown, headers: Record<string, string> = {}) =>
  askRaw(daemon, path, { method: 'POST', body: JSON.stringify(body), headers })
/** DELETE. */
export const removeRaw = (daemon: Daemon, path: string, headers: Record<string, string> = {}) =>
  askRaw(daemon, path, { method: 'DELETE', headers })
/** One server-sent event with a name. */
export interface NamedEvent {
  readonly name: string
  readonly data: Record<string, unknown>
}

/** Named events of a stream as they come. */
export function eventsOf(url: string, headers: Record<string, string>) {
  const gone = new AbortController()
  const body = fetch(url, { headers, signal: gone.signal }).then((answer) => answer.body!.getReader())
  let text = ''
  return {
    /** All events up to the first that is wanted, since the call before. */
    async until(isWanted: (event: NamedEvent) => boolean): Promise<NamedEvent[]> {
      const found: NamedEvent[] = []
      for (;;) {
        for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
          const match = /^event: (\w+)\ndata: (.*)$/.exec(text.slice(0, end))
          text = text.slice(end + 2)
          if (match === null) continue
          found.push({ name: match[1]!, data: JSON.parse(match[2]!) as Record<string, unknown> })
          if (isWanted(found.at(-1)!)) return found
        }
        const { value, done } = await (await body).read()
        if (done) throw new Error('the stream has ended')
        text += new TextDecoder().decode(value)
      }
    },
    close: () => gone.abort(),
  }
}
/** Asks for the JSON form. */
export const asJson = { Accept: 'application/json' }
/** What a refusal says to programs. */
export const refusal = ({ status, json }: SurfaceAnswer) => [status, json?.code]
/** A dot. */
export const anyDot = expect.stringMatching(/^[0-9a-f]{16}:\d+$/)
/** A moment. */
export const anyTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
/** Any text. */
export const anyText = expect.any(String)

/** Three daemons of one mesh. */
export class DaemonTrio {
  readonly fleet: Fleet
  readonly ann: Daemon
  readonly bob: Daemon
  readonly cid: Daemon

  private constructor(fleet: Fleet, [ann, bob, cid]: readonly Daemon[]) {
    this.fleet = fleet
    this.ann = ann!
    this.bob = bob!
    this.cid = cid!
  }

  /** Starts them, with the API over TCP as well, and waits until they are equal. */
  static async start(): Promise<DaemonTrio> {
    const fleet = await Fleet.create()
    const daemons = await fleet.mesh(['ann', 'bob', 'cid'], ['--api', '127.0.0.1:0'])
    await allEqual(daemons)
    return new DaemonTrio(fleet, daemons)
  }

  /** Writes on both sides of a cut between ann and the others. */
  async apart(write: () => Promise<void>): Promise<void> {
    await postRaw(this.ann, '/v1/block', { peers: ['bob', 'cid'] })
    await write()
    await postRaw(this.ann, '/v1/unblock', {})
    await this.together()
  }

  /** Waits until all are connected, and equal to ann. */
  async together(): Promise<void> {
    for (const daemon of [this.ann, this.bob, this.cid]) await connectedTo(daemon, 2)
    await this.ann.client.wait({ peers: 2, converged: true, timeoutMs: 40_000 })
  }
}
