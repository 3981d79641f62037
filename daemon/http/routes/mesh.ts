/** The mesh: status, members, invitations, blocks, sync, waiting, who holds what. */
import type { FastifyPluginAsync } from 'fastify'
import type { Waited } from '../../../protocols/membership/types.js'
import { HearsayError } from '../../../store/errors.js'
import { dotText } from '../../../store/model/dot.js'
import { absentValue } from '../absent.js'
import { takeJson } from '../body.js'
import { idleSocketMs, jsonBodyBytesMax, missingNamedMax, waitTimeoutMsDefault, workTimeoutMs } from '../limits.js'
import { keyOf } from '../paths.js'
import { timeoutOf } from '../query.js'
import { memberJson } from '../render.js'
import { type Api, type ApiServices, allowSilence, requestKey, requestSignal } from '../services.js'
import * as common from '../shapes/common.js'
import * as shapes from '../shapes/mesh.js'

/** Everything about the mesh. */
export function meshRoutes(services: ApiServices): FastifyPluginAsync {
  return async (plain) => {
    const api = plain as unknown as Api
    takeJson(api, jsonBodyBytesMax)
    addViews(api, services)
    addMembership(api, services)
    addBlocks(api, services)
    addSync(api, services)
    addWait(api, services)
  }
}

/** The status document. */
export async function statusJson({ mesh, node }: Pick<ApiServices, 'mesh' | 'node'>) {
  return {
    node: mesh.name,
    peer: mesh.peer,
    actor: node.actor(),
    version: node.version,
    entries: node.entries(),
    root: node.root(),
    context: node.contextDigest(),
    conflicts: await node.countConflicts(),
    log: { bytes: node.logBytes() },
    verified: node.isVerified(),
    addresses: mesh.addresses(),
    blocked: mesh.blocked(),
    warnings: [...node.warnings(), ...mesh.warnings()],
    members: mesh.members().map(memberJson),
  }
}

function addViews(api: Api, services: ApiServices): void {
  const { mesh, registers } = services
  const answers = (shape: object) => ({ 200: shape, default: common.problemShape })
  const status = { summary: 'This node and the mesh as it sees it', querystring: common.noQuery }
  api.get('/v1/status', { schema: { ...status, response: answers(shapes.statusShape) } }, async () =>
    statusJson(services),
  )
  const members = { summary: 'All members but this node', querystring: common.noQuery }
  api.get('/v1/members', { schema: { ...members, response: answers(shapes.membersShape) } }, async () => ({
    members: mesh.members().map(memberJson),
  }))
  const where = {
    summary: 'Which members durably hold the shown version of a key, asked afresh',
    params: common.keyParams,
    querystring: common.noQuery,
    response: answers(shapes.whereShape),
  }
  api.get('/v1/where/:key', { schema: where }, async (request) => {
    const key = requestKey(request)
    const dot = registers.get(key)?.versions[0]?.dot
    if (dot === undefined) return absentValue(registers, key)
    return { key, dot: dotText(dot), ...(await mesh.where(dot)) }
  })
}

function addMembership(api: Api, { mesh }: ApiServices): void {
  const forget = {
    summary: 'Retires a member for good',
    params: shapes.nameParams,
    querystring: common.noQuery,
    response: { 204: common.nothing, default: common.problemShape },
  }
  api.delete('/v1/members/:name', { schema: forget }, async (request, reply) => {
    await mesh.forget(keyOf(request.originalUrl))
    return reply.code(204).send()
  })
  const invite = {
    summary: 'Makes a token with which another node joins this mesh; keep it secret',
    querystring: common.noQuery,
    response: { 200: shapes.tokenShape, default: common.problemShape },
  }
  api.post('/v1/invite', { schema: invite }, async () => ({ token: await mesh.invite() }))
  const join = {
    summary: 'Joins the mesh of an invitation',
    querystring: common.noQuery,
    body: shapes.tokenShape,
    response: { 200: shapes.joinedShape, default: common.problemShape },
  }
  api.post('/v1/join', { schema: join }, async (request) => {
    allowSilence(request, workTimeoutMs)
    await mesh.join(request.body.token.trim())
    return { node: mesh.name, peer: mesh.peer }
  })
}

function addBlocks(api: Api, { mesh }: ApiServices): void {
  const response = { 200: shapes.blockedShape, default: common.problemShape }
  const block = {
    summary: 'Cuts this node off from peers; answers when their connections are closed',
    querystring: common.noQuery,
    body: shapes.blockBody,
    response,
  }
  api.post('/v1/block', { schema: block }, async (request) => {
    await mesh.block(request.body.peers)
    return { blocked: mesh.blocked() }
  })
  const unblock = { summary: 'Lifts blocks; all of them when no peers are named', querystring: common.noQuery }
  api.post('/v1/unblock', { schema: { ...unblock, body: shapes.unblockBody, response } }, async (request) => {
    await mesh.unblock(request.body.peers)
    return { blocked: mesh.blocked() }
  })
}

function addSync(api: Api, { mesh }: ApiServices): void {
  const schema = {
    summary: 'Runs anti-entropy now, with one peer or with every connected one',
    querystring: common.noQuery,
    body: shapes.syncBody,
    response: { 200: shapes.sessionsShape, default: common.problemShape },
  }
  api.post('/v1/sync', { schema }, async (request) => {
    allowSilence(request, workTimeoutMs)
    const sessions = await mesh.sync(request.body.peer)
    const names = new Map(mesh.members().map(({ peer, name }) => [peer, name]))
    return { sessions: sessions.map((session) => ({ ...session, name: names.get(session.peer) ?? session.peer })) }
  })
}

function addWait(api: Api, { mesh, stopping }: ApiServices): void {
  const schema = {
    summary: 'Answers when so many members are connected and, if asked, proven equal',
    querystring: shapes.waitQuery,
    response: { 200: shapes.waitShape, default: common.problemShape },
  }
  api.get('/v1/wait', { schema }, async (request) => {
    const { peers, converged = false, timeout } = request.query
    const timeoutMs = timeoutOf(timeout, waitTimeoutMsDefault)
    allowSilence(request, timeoutMs + idleSocketMs)
    const { signal, done } = requestSignal(request, stopping)
    const waited = await mesh.wait({ peers, converged, timeoutMs }, signal).finally(done)
    if (waited.isTrue) return { ok: true as const }
    const waitingFor = obstacleText(waited)
    const details = { waitingFor, missing: waited.missing }
    throw new HearsayError('TIMED_OUT', `what was waited for did not happen in time: ${waitingFor}`, details)
  })
}

/** What a wait was missing to its end, in words. */
function obstacleText({ missing, isUnverified }: Waited): string {
  if (isUnverified) return 'the store of this node is still being verified'
  if (missing.length === 0) return 'the data of this node did not stand still; see `hearsay status`'
  const named = missing.slice(0, missingNamedMax).map(missedText)
  if (missing.length > named.length) named.push(`and ${missing.length - named.length} more`)
  return named.join('; ')
}

function missedText({ name, reason, awayMs, behind }: Waited['missing'][number]): string {
  switch (reason) {
    case 'away':
      return awayMs === null
        ? `${name} has never been connected`
        : `${name} has been away for ${Math.round(awayMs / 1000)} s`
    case 'silent':
      return `${name} is connected and does not answer`
    case 'unverified':
      return `${name} is verifying its store`
    case 'unequal':
      return behind === 0
        ? `${name} is not equal`
        : `${name} is ${behind} ${behind === 1 ? 'update' : 'updates'} behind`
  }
}
