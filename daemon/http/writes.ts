/**
 * Common parts of all writes of the API: the quorum before, the acknowledgements after, and the retry key of a repeated
 * one.
 */
import { hash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import type { NodesQuery } from '../../protocols/api/common.js'
import { headerNames } from '../../protocols/api/headers.js'
import type { Acks } from '../../protocols/api/parts.js'
import type { Want } from '../../protocols/membership/types.js'
import type { OnceOptions, Written } from '../../store/data/types.js'
import { HearsayError } from '../../store/errors.js'
import { type Dot, dotText } from '../../store/model/dot.js'
import type { Mesh } from '../views/mesh-view.js'
import { idleSocketMs, nodesTimeoutMsDefault, retryKeyCharactersMax } from './limits.js'
import { pathOfUrl } from './paths.js'
import { acksOf, timeoutOf } from './query.js'
import { type AnyRequest, type ApiServices, allowSilence, headerOf } from './services.js'

/** A write of any type, as far as it is the same for all. */
export interface StartedWrite {
  /**
   * Options for the store: the retry key, and the guard, which refuses the write with NO_QUORUM when too few members
   * answer after the request came, and with CLOCK_OFF; it is not called for a retry of a write that is stored.
   */
  readonly once: OnceOptions
  /**
   * The answer, with the acknowledgements of all of these dots. Throws NOT_ENOUGH_ACKS with all of it in its details.
   */
  acknowledged<Answer extends object>(dots: readonly Dot[], answer: Answer): Promise<Answer & { acks: Acks }>
}

/** Begins a write; `body` tells it from others under the same retry key. Throws BAD_REQUEST. */
export function startWrite(
  request: AnyRequest & { readonly method: string; readonly query: NodesQuery & { readonly ttl?: string } },
  body: Buffer | string,
  { mesh, config }: ApiServices,
): StartedWrite {
  const { query } = request
  const want = acksOf(query.acks, config.settings.acks)
  const timeoutMs = timeoutOf(query.timeout, nodesTimeoutMsDefault)
  const needsQuorum = query.requireQuorum ?? config.settings.requireQuorum
  let isProven = !needsQuorum
  let leftMs = timeoutMs
  const prove = async () => {
    allowSilence(request, timeoutMs + idleSocketMs)
    const startMs = performance.now()
    isProven = await mesh.proveQuorum(timeoutMs)
    leftMs = Math.max(0, Math.floor(timeoutMs - (performance.now() - startMs)))
    if (isProven) return
    const message = 'fewer than a majority of the members answered in time; try again later, or without requireQuorum'
    throw new HearsayError('NO_QUORUM', message, { stored: false })
  }
  const guard = () => {
    if (query.ttl !== undefined) refuseWrongClock(mesh)
    return isProven ? undefined : prove()
  }
  return {
    once: { retry: retryOf(request, body), guard },
    async acknowledged(dots, answer) {
      if (want === 1) return { ...answer, acks: { have: 1, want: 1, nodes: [mesh.name] } }
      allowSilence(request, timeoutMs + idleSocketMs)
      const acks = await acksOfAll(mesh, dots, want, leftMs)
      if (acks.have >= acks.want) return { ...answer, acks }
      const message = `${acks.have} of ${acks.want} nodes have it durably; it is stored and will spread by itself`
      throw new HearsayError('NOT_ENOUGH_ACKS', message, { ...answer, acks, stored: true })
    },
  }
}

/**
 * Adds the number of versions that a read shows now, as a read does: a put without a context may have left siblings.
 */
export function addSiblingsHeader(reply: FastifyReply, { siblings }: Written): void {
  if (siblings !== undefined) void reply.header(headerNames.siblings, `${siblings}`)
}

/** A deadline made by a clock that is far off would pass at the wrong moment everywhere. Throws CLOCK_OFF. */
export function refuseWrongClock(mesh: Mesh): void {
  const offMs = mesh.clockOffMs()
  if (offMs === null) return
  const off = `${Math.round(Math.abs(offMs) / 1000)} s ${offMs > 0 ? 'ahead of' : 'behind'}`
  const message = `the clock of this node is ${off} the median of the members' clocks, so that a time to live would end at the wrong moment; set the clock right, or write without ttl`
  throw new HearsayError('CLOCK_OFF', message, { aheadMs: Math.round(offMs), stored: false })
}

/** The nodes that have every one of the dots. */
async function acksOfAll(mesh: Mesh, dots: readonly Dot[], want: Want, timeoutMs: number): Promise<Acks> {
  const each = await Promise.all(dots.map((dot) => mesh.awaitAcks(dot, want, timeoutMs)))
  const fewest = each.reduce((a, b) => (b.have < a.have ? b : a))
  const nodes = fewest.nodes.filter((name) => each.every((acks) => acks.nodes.includes(name)))
  return { have: nodes.length, want: fewest.want, nodes }
}

/**
 * The retry key and what tells whether it is the same request: method, path, query, context and body. How long to wait
 * is no part of it: who repeats a write whose acknowledgements did not come in time may have more patience. Throws
 * BAD_REQUEST.
 */
export function retryOf(
  request: AnyRequest & { method: string; query: unknown },
  body: Buffer | string,
): OnceOptions['retry'] {
  const key = headerOf(request, headerNames.retryKey)
  if (key === undefined) return undefined
  if (key === '' || key.length > retryKeyCharactersMax) {
    throw new HearsayError('BAD_REQUEST', `an Idempotency-Key has 1 to ${retryKeyCharactersMax} characters`)
  }
  const asked = Object.entries(request.query as object)
  const query = asked.filter(([name]) => name !== 'timeout').sort(([a], [b]) => (a < b ? -1 : 1))
  const context = headerOf(request, headerNames.context) ?? null
  const bodyHash = hash('sha256', body, 'hex')
  const parts = JSON.stringify([request.method, pathOfUrl(request.originalUrl), query, context, bodyHash])
  return { key, requestHash: hash('sha256', parts, 'buffer') }
}

/** Members of the answer to a write of one dot, beside its acknowledgements. */
export function dotJson(dot: Dot): { dot: string } {
  return { dot: dotText(dot) }
}
