/** The addresses of one peer: bounded, the one that worked last first, loopback last. */
import type { PeerId } from '../../protocols/network.js'
import { addressesPerPeerMax } from './limits.js'

/** Multiaddrs without their `/p2p/` part, in the order to try them. */
export class AddressBook {
  /** Newest last. */
  readonly #addresses = new Set<string>()
  #good: string | undefined

  /** Number of addresses known. */
  get size(): number {
    return this.#addresses.size
  }

  /** Adds addresses; beyond the limit those not heard of for longest go. */
  add(addresses: Iterable<string>): void {
    for (const address of addresses) {
      const bare = withoutPeer(address)
      if (bare === '') continue
      this.#addresses.delete(bare)
      this.#addresses.add(bare)
    }
    for (const address of this.#addresses) {
      if (this.#addresses.size <= addressesPerPeerMax) break
      if (address !== this.#good) this.#addresses.delete(address)
    }
  }

  /** An address answered. */
  worked(address: string): void {
    const bare = withoutPeer(address)
    this.#good = bare
    this.add([bare])
  }

  /** All, best first. */
  best(): string[] {
    const rank = (address: string): number => (address === this.#good ? 0 : isLoopback(address) ? 2 : 1)
    return [...this.#addresses].reverse().sort((a, b) => rank(a) - rank(b))
  }
}

/** A multiaddr without the peer id at its end. */
export function withoutPeer(address: string): string {
  return address.replace(/\/(?:p2p|ipfs)\/[^/]+\/?$/, '')
}

/** The peer id that a multiaddr ends with, if any. */
export function peerOf(address: string): PeerId | undefined {
  return /\/(?:p2p|ipfs)\/([^/]+)\/?$/.exec(address)?.[1]
}

function isLoopback(address: string): boolean {
  return address.startsWith('/ip4/127.') || address.startsWith('/ip6/::1/')
}
