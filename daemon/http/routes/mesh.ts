/** The mesh: status, members, invitations, blocks, sync, waiting, who holds what. */
import { waitTimeoutMsDefault } from '../../../protocols/api/limits.js'
import { mesh } from '../../../protocols/api/mesh.js'
import type { Waited } from '../../../protocols/membership/types.js'
import { HearsayError } from '../../../store/errors.js'
import { dotText } from '../../../store/model/dot.js'
import { takeSmallJson } from '../body.js'
import type { Handler, RouteGroup } from '../endpoints.js'
import { idleSocketMs, missingNamedMax, workTimeoutMs } from '../limits.js'
import { keyOf } from '../paths.js'
import { timeoutOf } from '../query.js'
import { absentValue } from '../reads.js'
import { memberJson } from '../render.js'
import { allowSilence, requestKey, requestSignal } from '../services.js'

const getStatus: Handler<typeof mesh.getStatus> = async (_request, _reply, services) => {
  const { mesh: view, node } = services
  return {
    node: view.name,
    peer: view.peer,
    actor: node.actor(),
    version: node.version,
    entries: node.entries(),
    root: node.root(),
    context: node.contextDigest(),
    conflicts: await node.countConflicts(),
    log: { bytes: node.logBytes() },
    verified: node.isVerified(),
    verification: node.verification(),
    addresses: view.addresses(),
    blocked: view.blocked(),
    warnings: [...node.warnings(), ...view.warnings()],
    members: view.members().map(memberJson),
  }
}

const listMembers: Handler<typeof mesh.listMembers> = async (_request, _reply, services) => {
  return { members: services.mesh.members().map(memberJson) }
}

const locateValue: Handler<typeof mesh.locateValue> = async (request, _reply, services) => {
  const key = requestKey(request)
  const dot = services.registers.get(key)?.versions[0]?.dot
  if (dot === undefined) return absentValue(services.registers, key)
  return { key, dot: dotText(dot), ...(await services.mesh.where(dot)) }
}

const forgetMember: Handler<typeof mesh.forgetMember> = (request, _reply, services) =>
  services.mesh.forget(keyOf(request.originalUrl))

const invite: Handler<typeof mesh.invite> = async (_request, _reply, services) => {
  return { token: await services.mesh.invite() }
}

const join: Handler<typeof mesh.join> = async (request, _reply, services) => {
  allowSilence(request, workTimeoutMs)
  await services.mesh.join(request.body.token.trim())
  return { node: services.mesh.name, peer: services.mesh.peer }
}

const block: Handler<typeof mesh.block> = async (request, _reply, services) => {
  await services.mesh.block(request.body.peers)
  return { blocked: services.mesh.blocked() }
}

const unblock: Handler<typeof mesh.unblock> = async (request, _reply, services) => {
  await services.mesh.unblock(request.body.peers)
  return { blocked: services.mesh.blocked() }
}

const sync: Handler<typeof mesh.sync> = async (request, _reply, services) => {
  allowSilence(request, workTimeoutMs)
  const sessions = await services.mesh.sync(request.body.peer)
  const names = new Map(services.mesh.members().map(({ peer, name }) => [peer, name]))
  return { sessions: sessions.map((session) => ({ ...session, name: names.get(session.peer) ?? session.peer })) }
}

const wait: Handler<typeof mesh.wait> = async (request, _reply, services) => {
  const { peers, converged = false, timeout } = request.query
  const timeoutMs = timeoutOf(timeout, waitTimeoutMsDefault)
  allowSilence(request, timeoutMs + idleSocketMs)
  const { signal, done } = requestSignal(request, services.stopping)
  const waited = await services.mesh.wait({ peers, converged, timeoutMs }, signal).finally(done)
  if (waited.isTrue) return { ok: true }
  const waitingFor = obstacleText(waited)
  const details = { waitingFor, missing: waited.missing }
  throw new HearsayError('TIMED_OUT', `what was waited for did not happen in time: ${waitingFor}`, details)
}

/** Describes the conditions of a wait that were not met at its end. */
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

/** Everything about the mesh. */
export const meshRoutes: RouteGroup<typeof mesh> = {
  endpoints: mesh,
  bodies: takeSmallJson,
  handlers: { getStatus, listMembers, locateValue, forgetMember, invite, join, block, unblock, sync, wait },
}
