/** The change feed as server-sent events. */
import type { ServerResponse } from 'node:http'
import type { FastifyPluginAsync } from 'fastify'
import type { Watch } from '../../watch/hub.js'
import { hearsayError } from '../problem.js'
import { type Api, type ApiServices, headerOf, requestSignal } from '../services.js'
import * as common from '../shapes/common.js'
import * as shapes from '../shapes/watch.js'

/** /v1/watch. */
export function watchRoutes(services: ApiServices): FastifyPluginAsync {
  return async (plain) => addWatch(plain as unknown as Api, services)
}

function addWatch(api: Api, services: ApiServices): void {
  const schema = {
    summary: 'The change feed: one event for each update, in the order of arrival here',
    querystring: shapes.watchQuery,
    headers: shapes.watchHeaders,
    response: { 200: shapes.watchStream, default: common.problemShape },
  }
  // The answer to HEAD would never end either.
  api.get('/v1/watch', { schema, exposeHeadRoute: false }, async (request, reply) => {
    const { signal, done } = requestSignal(request, services.stopping)
    try {
      const { prefix = '', since } = request.query
      // What a browser sends by itself when it comes back is later than what stands in the address.
      const from = headerOf(request, 'last-event-id') ?? (since === '' ? undefined : since)
      const watch = await services.watch.open({ since: from, prefix, signal })
      void serve(watch, reply.hijack().raw, services).finally(done)
    } catch (error) {
      done()
      throw error
    }
  })
}

const streamHeaders = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
}

/** Sends until one side ends it. One that takes nothing for too long is cut: it comes back with its cursor. */
async function serve(watch: Watch, raw: ServerResponse, { log }: ApiServices): Promise<void> {
  raw.on('error', () => {}) // The connection is gone, which `close` tells as well.
  raw.writeHead(200, streamHeaders)
  try {
    const end = await watch.send(raw)
    if (end === 'stalled') log.info({}, 'a reader of the change feed was cut: it took nothing for too long')
    if (end === 'done') raw.end()
    else raw.destroy()
  } catch (thrown) {
    const error = hearsayError(thrown)
    if (error.code === 'INTERNAL') log.error({ err: error.cause ?? error }, 'a reader of the change feed met a defect')
    else log.info({ code: error.code }, error.message)
    raw.end(watch.farewell(error))
  } finally {
    watch.close()
  }
}
