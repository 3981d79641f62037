/**
 * Common parts of reads of single addresses: read repair from other nodes, and the answer with the versions of a
 * register.
 */
import type { FastifyReply } from 'fastify'
import type { ReadQuery } from '../../protocols/api/common.js'
import { contentTypes, headerNames } from '../../protocols/api/headers.js'
import type { Shown } from '../../store/data/types.js'
import type { Address } from '../../store/model/address.js'
import { dotText } from '../../store/model/dot.js'
import type { Mesh } from '../views/mesh-view.js'
import { asBuffer } from '../views/value-json.js'
import { idleSocketMs, nodesTimeoutMsDefault } from './limits.js'
import { timeoutOf } from './query.js'
import { shownJson } from './render.js'
import { type AnyRequest, type ApiServices, allowSilence } from './services.js'

/**
 * Joins the copies of other nodes into ours first, when the request (or the configuration) asks for that; undefined when it does not: the
 * read can be answered in the same turn. Rejects with NO_QUORUM. Throws BAD_REQUEST.
 */
export function afterRepair(
  request: AnyRequest,
  query: ReadQuery,
  { mesh, config }: ApiServices,
  address: Address,
): Promise<void> | undefined {
  const consistency = query.consistency ?? config.settings.consistency
  if (consistency === 'one') return undefined
  const timeoutMs = timeoutOf(query.timeout, nodesTimeoutMsDefault)
  allowSilence(request, timeoutMs + idleSocketMs)
  return mesh.readRepair(address, consistency, timeoutMs)
}

/** Answers with the winner's bytes, or with every version as JSON where the client accepts that; `named` goes with the JSON. */
export function answerShown(
  shown: Shown,
  accept: string | undefined,
  reply: FastifyReply,
  mesh: Mesh,
  named: object = {},
): FastifyReply {
  if (accept?.includes(contentTypes.json) === true) return reply.send({ ...shownJson(shown, mesh), ...named })
  return reply.headers(valueHeaders(shown)).send(asBuffer(shown.versions[0]!.value))
}

function valueHeaders(shown: Shown): Record<string, string> {
  return {
    'Content-Type': contentTypes.bytes,
    [headerNames.context]: shown.winnerContext,
    [headerNames.dot]: dotText(shown.versions[0]!.dot),
    [headerNames.siblings]: `${shown.versions.length}`,
  }
}
