/** Dials a peer at several addresses side by side, each a little after the one before. */
import { multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '../../protocols/network.js'
import type { Environment } from '../../store/environment.js'
import { withoutPeer } from './address-book.js'
import type { Host } from './host.js'
import { dialStaggerMs } from './limits.js'

/** Peer that answered a dial, and the address at which it did. */
export interface Reached {
  readonly peer: PeerId
  readonly address: string
}

/**
 * Resolves with who answered first; the other dials are ended. Rejects when no address answered or the signal aborted.
 * With `peer`, someone else at an address counts as no answer. Source of the method: RFC 8305 (Happy Eyeballs).
 */
export async function dialAny(
  host: Host,
  environment: Environment,
  dial: { readonly peer: PeerId | undefined; readonly addresses: readonly string[] },
  signal: AbortSignal,
): Promise<Reached> {
  // A controller for each, because the signal of a dial stays tied to its socket: aborting the winner's would close it.
  const attempts = dial.addresses.map((address) => ({ address, ending: new AbortController() }))
  const endAll = (): void => {
    for (const { ending } of attempts) ending.abort()
  }
  signal.addEventListener('abort', endAll)
  if (signal.aborted) endAll()
  try {
    const winner = await Promise.any(
      attempts.map(async (attempt, index) => {
        await pause(environment, index * dialStaggerMs, attempt.ending.signal)
        const peer = await dialOne(host, dial.peer, attempt.address, attempt.ending.signal)
        return { peer, attempt }
      }),
    )
    for (const attempt of attempts) if (attempt !== winner.attempt) attempt.ending.abort()
    return { peer: winner.peer, address: winner.attempt.address }
  } catch (error) {
    throw new Error(reasonOf(error))
  } finally {
    signal.removeEventListener('abort', endAll)
  }
}

async function dialOne(host: Host, peer: PeerId | undefined, address: string, signal: AbortSignal): Promise<PeerId> {
  const target = multiaddr(peer === undefined ? address : `${withoutPeer(address)}/p2p/${peer}`)
  // Early negotiation of the multiplexer would open the connection here before the peer's gate has spoken.
  const options = { signal, skipStreamMuxerNegotiation: true }
  const connection = await host.transports.dial(target, options)
  return connection.remotePeer.toString()
}

async function pause(environment: Environment, delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs > 0 && !signal.aborted) {
    await new Promise<void>((resolve) => {
      const timer = environment.setTimer(delayMs, resolve)
      signal.addEventListener('abort', () => {
        timer.cancel()
        resolve()
      })
    })
  }
  if (signal.aborted) throw new Error('the dial was ended')
}

function reasonOf(error: unknown): string {
  if (!(error instanceof AggregateError)) return String((error as Error).message ?? error)
  return error.errors.map((each: unknown) => String((each as Error).message ?? each)).join('; ')
}
