/** Tries whether anything answers at a multiaddr, without saying anything to it. */
import { connect } from 'node:net'

/** Host and TCP port of a multiaddr; undefined for one of another kind, or of one link alone. */
export function hostOf(address: string): { readonly host: string; readonly port: number } | undefined {
  const [, host, port] = /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d+)(?:\/|$)/.exec(address) ?? []
  if (host === undefined || /^fe80:/i.test(host)) return undefined
  return { host, port: Number(port) }
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
