/** Multiaddrs as users write them: checked, and the ones that this node tells others. */
import { multiaddr } from '@multiformats/multiaddr'
import { HearsayError } from '../../store/errors.js'
import { withoutPeer } from './address-book.js'
import type { Host } from './host.js'

/** Checks a multiaddr from the configuration. Throws BAD_CONFIG that says what is wrong with it. */
export function checkAddress(text: string): string {
  const remedy = 'write it like /ip4/192.0.2.1/tcp/7400 or /dns4/host.example/tcp/7400'
  try {
    const names = multiaddr(text)
      .getComponents()
      .map(({ name }) => name)
    if (names.includes('tcp')) return text
  } catch (error) {
    throw new HearsayError('BAD_CONFIG', `${text} is no multiaddr; ${remedy}`, { address: text }, { cause: error })
  }
  throw new HearsayError('BAD_CONFIG', `${text} has no TCP port; ${remedy}`, { address: text })
}

/**
 * The multiaddrs, each with the peer id, that others can reach a started host at: the announced ones if there are any,
 * else those of every interface that it listens on. libp2p's own list leaves out public ones that no stranger has
 * confirmed.
 */
export function ownAddresses(host: Host, announce: readonly string[]): string[] {
  const known = announce.length > 0 ? [...announce] : host.transports.getAddrs().map((address) => address.toString())
  const self = host.libp2p.peerId.toString()
  return [...new Set(known.map((address) => `${withoutPeer(address)}/p2p/${self}`))]
}

/**
 * The listen addresses of a started host with the ports that it was given, so that a later host can take the same ones.
 */
export function boundAddresses(host: Host, listen: readonly string[]): string[] {
  // There is one listener for each address, in their order.
  const listeners = host.transports.getListeners()
  if (listeners.length !== listen.length) return [...listen]
  return listen.map((address, index) => {
    const port = /\/tcp\/(\d+)/.exec(listeners[index]?.getAddrs()[0]?.toString() ?? '')?.[1]
    return port === undefined ? address : address.replace(/\/tcp\/0$/, `/tcp/${port}`)
  })
}
