/** Conflicts: listed and settled. */
import { conflicts, type ResolutionBody, resolutions } from '../../../protocols/api/conflicts.js'
import { pageItemsDefault } from '../../../protocols/api/limits.js'
import type { ConflictItem, Resolution } from '../../../store/data/types.js'
import { HearsayError } from '../../../store/errors.js'
import { dotText } from '../../../store/model/dot.js'
import type { Registers } from '../../views/data-view.js'
import { boundedValue, takeJsonValues, takeSmallJson } from '../body.js'
import type { Handler, RouteGroup } from '../endpoints.js'
import { conflictsAtOnce, pageBytesMax, undosKept } from '../limits.js'
import { behind } from '../paths.js'
import { conflictJson, writtenJson } from '../render.js'
import { requestKey } from '../services.js'
import { retryOf } from '../writes.js'

const listConflicts: Handler<typeof conflicts.listConflicts> = async (request, _reply, { registers, mesh }) => {
  const { prefix = '', limit = pageItemsDefault } = request.query
  const after = behind(request.query.after)
  const page = await pageOf(registers, { prefix, after, limit })
  return { items: page.items.map((item) => conflictJson(item, mesh)), next: page.next }
}

/** Gathers a page in small steps, so that one of large values ends early instead of filling the memory. */
async function pageOf(registers: Registers, query: { prefix: string; after?: string | undefined; limit: number }) {
  const items: ConflictItem[] = []
  let next = query.after
  let bytes = 0
  do {
    const limit = Math.min(conflictsAtOnce, query.limit - items.length)
    const page = await registers.conflicts({ prefix: query.prefix, after: next, limit })
    items.push(...page.items)
    for (const { versions } of page.items) for (const { value } of versions) bytes += value.length
    if (page.next === null) return { items, next: null }
    next = page.next
  } while (items.length < query.limit && bytes < pageBytesMax)
  return { items, next }
}

const resolveConflict: Handler<typeof conflicts.resolveConflict> = async (request, _reply, services) => {
  const { registers, maps, mesh, config, undos } = services
  const key = requestKey(request)
  const { field } = request.body
  const resolution = resolutionOf(request.body, config.settings['values.maxBytes'])
  const { type = field === undefined ? 'reg' : 'map', context } = request.body
  if ((type === 'map') !== (field !== undefined)) {
    throw new HearsayError('BAD_REQUEST', "a conflict of type 'map' is that of one 'field'; others have none")
  }
  const options = { context, retry: retryOf(request, JSON.stringify(request.body)) }
  const written =
    field === undefined
      ? await registers.resolve(key, resolution, options)
      : await maps.resolve(key, field, resolution, options)
  const undo = undos.note(key, field, written)
  return { ...writtenJson(key, written), acks: { have: 1, want: 1, nodes: [mesh.name] }, undo }
}

const undoResolution: Handler<typeof resolutions.undoResolution> = async (request, _reply, services) => {
  const { registers, maps, undos } = services
  const key = requestKey(request)
  const { undo, field } = request.body
  const resolution = undos.find(key, field, undo)
  if (resolution === undefined) {
    const message = `no resolution of '${key}' can be undone here: the last ${undosKept} at this node are kept, until it restarts`
    throw new HearsayError('NOT_FOUND', message)
  }
  const { dot, settled } = resolution
  const { dots, context } =
    field === undefined ? await registers.reopen(key, dot, settled) : await maps.reopen(key, field, dot, settled)
  undos.forget(resolution)
  return { key, context, dots: dots.map(dotText) }
}

function resolutionOf(body: ResolutionBody, valueBytesMax: number): Resolution {
  const { pick, value, encoding, merge } = body
  const given = [pick, value, merge].filter((one) => one !== undefined).length
  if (given !== 1) throw new HearsayError('BAD_REQUEST', 'give exactly one of pick, value and merge')
  if (pick !== undefined) return { pick }
  if (value === undefined) return { merge: true }
  return { value: boundedValue(value, encoding, valueBytesMax) }
}

/** The routes below /v1/conflicts. */
export const conflictRoutes: RouteGroup<typeof conflicts> = {
  endpoints: conflicts,
  bodies: takeJsonValues,
  handlers: { listConflicts, resolveConflict },
}

/** The routes below /v1/undo. */
export const undoRoutes: RouteGroup<typeof resolutions> = {
  endpoints: resolutions,
  bodies: takeSmallJson,
  handlers: { undoResolution },
}
