/** Stream of what a node does and sees, as server-sent events, and the list of its last sync sessions. */
import type { ServerResponse } from 'node:http'
import { activity } from '../../../protocols/api/live.js'
import type { LiveReader } from '../../live/hub.js'
import type { Handler, RouteGroup } from '../endpoints.js'
import { type AnyRequest, type ApiServices, headerOf, requestSignal } from '../services.js'
import { sessionOf } from '../sign-in/cookie.js'
import { eventStreamHeaders } from '../streams.js'

const streamEvents: Handler<typeof activity.streamEvents> = async (request, reply, services) => {
  const { signal, done } = requestSignal(request, services.stopping)
  try {
    const reader = await services.live.open({ signal, isAllowed: permissionOf(request, services) })
    void serve(reader, reply.hijack().raw, services).finally(done)
    return reply
  } catch (error) {
    done()
    throw error
  }
}

/**
 * A browser that came by its cookie may read for as long as it is signed in; everybody else has the token, or the
 * socket.
 */
function permissionOf(request: AnyRequest, { signIn }: ApiServices): () => boolean {
  const secret = sessionOf(request.raw)
  if (headerOf(request, 'authorization') !== undefined || secret === undefined) return () => true
  return () => signIn.isSignedIn(secret)
}

async function serve(reader: LiveReader, raw: ServerResponse, { log }: ApiServices): Promise<void> {
  raw.on('error', () => {}) // The connection is gone, which `close` tells as well.
  raw.writeHead(200, eventStreamHeaders)
  const end = await reader.send(raw)
  if (end === 'stalled') log.debug({}, 'a reader of the live stream was cut: it took nothing for too long')
  if (end === 'done') raw.end()
  else raw.destroy()
}

const listSessions: Handler<typeof activity.listSessions> = async (_request, _reply, { live }) => {
  return { sessions: live.recentSessions() }
}

/** /v1/events and /v1/sessions. */
export const liveRoutes: RouteGroup<typeof activity> = {
  endpoints: activity,
  handlers: { streamEvents, listSessions },
}
