/** Tries whether anything answers at a multiaddr, without saying anything to it. */
import { connect } from 'node:net'
import { addressesKeptMs, addressesTriedMax, addressTryMs } from './limits.js'

/** Host and TCP port of a multiaddr; undefined for one of another kind, or of one link alone. */
export function hostOf(address: string): { readonly host: string; readonly port: number } | undefined {
  const [, host, port] = /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d+)(?:\/|$)/.exec(address) ?? []
  if (host === undefined || /^fe80:/i.test(host)) return undefined
  return { host, port: Number(port) }
}

/** Tries the addresses that a node tells others, now and then. */
export class AddressTries {
  #tried: { readonly addresses: string; readonly atMs: number; readonly silent: Promise<string[]> } | undefined

  /** The addresses at which nothing answers, as of now or of a moment ago. */
  silentOf(addresses: readonly string[], nowMs: number): Promise<string[]> {
    const asked = addresses.join()
    const age = nowMs - (this.#tried?.atMs ?? Number.NEGATIVE_INFINITY)
    if (this.#tried?.addresses !== asked || age < 0 || age >= addressesKeptMs) {
      this.#tried = { addresses: asked, atMs: nowMs, silent: silentOnes(addresses) }
    }
    return this.#tried.silent
  }
}

async function silentOnes(addresses: readonly string[]): Promise<string[]> {
  const tried = addresses.slice(0, addressesTriedMax)
  const answers = await Promise.all(tried.map((address) => answersAt(address, addressTryMs)))
  return tried.filter((_, at) => answers[at] === false)
}

/** Resolves with true if a TCP connection can be opened in time; undefined when that cannot be tried. */
export function answersAt(address: string, timeoutMs: number): Promise<boolean | undefined> {
  const target = hostOf(address)
  if (target === undefined) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    const socket = connect(target)
    const end = (answers: boolean) => {
      socket.destroy()
      resolve(answers)
    }
    socket.setTimeout(timeoutMs, () => end(false))
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}
