/** The change feed as server-sent events. */
import type { ServerResponse } from 'node:http'
import { headerNames } from '../../../protocols/api/headers.js'
import { watch } from '../../../protocols/api/watch.js'
import type { Watch } from '../../watch/hub.js'
import type { Handler, RouteGroup } from '../endpoints.js'
import { hearsayError } from '../problem.js'
import { type ApiServices, headerOf, requestSignal } from '../services.js'
import { eventStreamHeaders } from '../streams.js'

const watchChanges: Handler<typeof watch.watchChanges> = async (request, reply, services) => {
  const { signal, done } = requestSignal(request, services.stopping)
  try {
    const { prefix = '', since, initial = false } = request.query
    // What a browser sends by itself when it comes back is later than what the address holds.
    const from = headerOf(request, headerNames.lastEvent) ?? (since === '' ? undefined : since)
    const opened = await services.watch.open({ since: from, initial, prefix, signal })
    void serve(opened, reply.hijack().raw, services).finally(done)
    return reply
  } catch (error) {
    done()
    throw error
  }
}

/** Sends until one side ends it. One that takes nothing for too long is cut: it comes back with its cursor. */
async function serve(watch: Watch, raw: ServerResponse, { log }: ApiServices): Promise<void> {
  raw.on('error', () => {}) // The connection is gone, which `close` tells as well.
  raw.writeHead(200, eventStreamHeaders)
  try {
    const end = await watch.send(raw)
    if (end === 'stalled')
      log.info({ event: 'watcherCut' }, 'a reader of the change feed was cut: it took nothing for too long')
    if (end === 'done') raw.end()
    else raw.destroy()
  } catch (thrown) {
    const error = hearsayError(thrown)
    if (error.code === 'INTERNAL')
      log.error({ event: 'defect', err: error.cause ?? error }, 'a reader of the change feed met a defect')
    else log.info({ event: 'watcherRefused', code: error.code }, error.message)
    raw.end(watch.farewell(error))
  } finally {
    watch.close()
  }
}

/** /v1/watch. */
export const watchRoutes: RouteGroup<typeof watch> = { endpoints: watch, handlers: { watchChanges } }
