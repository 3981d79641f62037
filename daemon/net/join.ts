/** Tests an invitation before anything is changed: can its mesh be reached under its secret? */
import type { PeerId } from '../../protocols/network.js'
import type { Environment } from '../../store/environment.js'
import { HearsayError } from '../../store/errors.js'
import { dialAny } from './dial.js'
import { createHost } from './host.js'
import { createIdentity } from './identity.js'
import { joinTimeoutMs, visitorNoticedMs, visitorPollMs } from './limits.js'
import { type NetLog, silentNetLog } from './log.js'

/** Content of a decoded invitation. */
export interface Invitation {
  /** The secret of the mesh, 32 bytes. */
  readonly secret: Uint8Array
  /** The inviting peer. */
  readonly peer: PeerId
  readonly addresses: readonly string[]
}

/**
 * Connects to the inviting peer from a temporary node with an identity of its own, and leaves again. The peer never
 * learns of a new member, because the temporary node does not identify itself. Resolves with the address that answered.
 * Rejects with UNREACHABLE when none did in time; a foreign secret and a dead port look the same from outside.
 */
export function testInvitation(
  invitation: Invitation,
  environment: Environment,
  log: NetLog = silentNetLog,
): Promise<string> {
  return visit(invitation, environment, log, async (_, address) => address)
}

/**
 * Tests an invitation that names our own peer id: resolves with true if it leads to another node than this one.
 * `isHere`: true if a visitor, by its peer id, is connected to this node, so that the address is one of its own that it
 * does not know of, behind a forwarded port for example. Rejects as above.
 */
export function reachesOther(
  invitation: Invitation,
  isHere: (visitor: PeerId) => boolean,
  environment: Environment,
  log: NetLog = silentNetLog,
): Promise<boolean> {
  return visit(invitation, environment, log, async (visitor) => {
    const sleep = () => new Promise<void>((resolve) => void environment.setTimer(visitorPollMs, resolve))
    const endMs = environment.monotonicMs() + visitorNoticedMs
    while (!isHere(visitor) && environment.monotonicMs() < endMs) await sleep()
    return !isHere(visitor)
  })
}

/** Connects to the inviting peer under a temporary identity; the connection is open until `use` is done. */
async function visit<T>(
  invitation: Invitation,
  environment: Environment,
  log: NetLog,
  use: (visitor: PeerId, address: string) => Promise<T>,
): Promise<T> {
  const { secret, peer, addresses } = invitation
  if (addresses.length === 0) throw unreachable(invitation, 'it names none')
  const ending = new AbortController()
  const timer = environment.setTimer(joinTimeoutMs, () => ending.abort())
  const identity = createIdentity()
  const host = await createHost({
    identity,
    secret,
    listen: [],
    announce: [],
    mdns: false,
    gater: {},
    discovered: () => {},
    heard: () => {},
    log,
  })
  try {
    await host.libp2p.start()
    const reached = await dialAny(host, environment, { peer, addresses }, ending.signal)
    return await use(identity.peer, reached.address)
  } catch (error) {
    throw unreachable(invitation, (error as Error).message)
  } finally {
    timer.cancel()
    for (const connection of host.libp2p.getConnections()) connection.abort(new Error('the test is over'))
    void Promise.resolve(host.libp2p.stop()).catch(() => {})
  }
}

function unreachable({ peer, addresses }: Invitation, reason: string): HearsayError {
  const where = addresses.join(', ')
  return new HearsayError(
    'UNREACHABLE',
    `no address of the invitation answered (${where || 'none'}): ${reason}. Either the inviting node is not running or not ` +
      'reachable from here, or its mesh has another secret by now; check the addresses, or ask for a new invitation',
    { peer, addresses, reason },
  )
}
