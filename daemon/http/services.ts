/** Services that the routes work with, and the helpers that they share. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Config } from '../config/load.js'
import type { LiveFeed } from '../live/hub.js'
import type { Log } from '../log/log.js'
import type { Backups, DataViews } from '../views/data-view.js'
import type { Mesh } from '../views/mesh-view.js'
import type { NodeView } from '../views/node-view.js'
import type { WatchFeed } from '../watch/hub.js'
import type { WebFiles } from '../web/files.js'
import { keyOf, pathOfUrl } from './paths.js'
import type { SignIn } from './sign-in/sign-in.js'
import type { UndoLog } from './undo-log.js'

/** Everything that the API needs of the daemon. */
export interface ApiServices extends DataViews {
  readonly mesh: Mesh
  readonly watch: WatchFeed
  readonly node: NodeView
  /** Stream of what happens here, for those who watch. */
  readonly live: LiveFeed
  /** Takes backups of the store. */
  readonly backups: Backups
  /** The OpenAPI document, as JSON. */
  readonly openApi: () => Promise<string>
  /** Resolutions that can be undone. */
  readonly undos: UndoLog
  /** Sign-in of browsers. */
  readonly signIn: SignIn
  /** The files of the dashboard. */
  readonly web: WebFiles
  readonly config: Config
  readonly log: Log
  /** The wall clock, in milliseconds since 1970. */
  nowMs(): number
  /** Aborted when the daemon stops: requests that wait end then. */
  readonly stopping: AbortSignal
}

/** The router. */
export type Api = FastifyInstance

/** Any request, as far as helpers look at it. */
export type AnyRequest = Pick<FastifyRequest, 'raw' | 'originalUrl' | 'headers'>

/** The key in the request's path. Throws BAD_KEY or TOO_LARGE. */
export function requestKey(request: AnyRequest): string {
  return keyOf(request.originalUrl)
}

/** The path as the client sent it, for logs: keys are left out. */
export function routeOf(request: { routeOptions?: { url?: string | undefined }; originalUrl: string }): string {
  return request.routeOptions?.url ?? pathOfUrl(request.originalUrl)
}

/** One header as text; undefined when absent. */
export function headerOf(request: AnyRequest, name: string): string | undefined {
  const value = request.headers[name.toLowerCase()]
  return typeof value === 'string' ? value : undefined
}

/** The content type that the client named, in small letters and without parameters; undefined when it named none. */
export function contentTypeOf(request: AnyRequest): string | undefined {
  // The parsed headers have lost it: the router must take every body, whatever it is called.
  const { rawHeaders } = request.raw
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-type')
  const [type = ''] = at === -1 ? [] : rawHeaders[at + 1]!.split(';')
  return type.trim().toLowerCase() || undefined
}

/** Lets the connection be silent for so long while the request is worked on; it is reset with the next request. */
export function allowSilence(request: AnyRequest, silenceMs: number): void {
  request.raw.socket?.setTimeout?.(silenceMs)
}

/** Aborted when the client goes away or the daemon stops. Call `done` at the end. */
export function requestSignal(request: AnyRequest, stopping: AbortSignal): { signal: AbortSignal; done(): void } {
  const gone = new AbortController()
  const abort = () => gone.abort()
  request.raw.socket?.once?.('close', abort)
  stopping.addEventListener('abort', abort, { once: true })
  if (stopping.aborted) abort()
  const done = () => {
    request.raw.socket?.off?.('close', abort)
    stopping.removeEventListener('abort', abort)
  }
  return { signal: gone.signal, done }
}
