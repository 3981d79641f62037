/** The cookie of a browser that has signed in: its name, how it is set, and how it is read. */
import type { IncomingMessage } from 'node:http'
import { browserSessionMs } from './limits.js'

/** Request as far as its cookie is looked at. */
export interface CookieBearer {
  readonly headers: Pick<IncomingMessage['headers'], 'cookie'>
  readonly socket?: { readonly localPort?: number | undefined } | null | undefined
}

/** Secret of the session that a request names; undefined if there is none. */
export function sessionOf(request: CookieBearer): string | undefined {
  const start = `${nameFor(request)}=`
  const pair = request.headers.cookie?.split(/; */).find((one) => one.startsWith(start))
  return pair?.slice(start.length)
}

/** The header that gives a browser its session. No page of another site can send it, and no script can read it. */
export function sessionCookie(request: CookieBearer, secret: string): string {
  return `${nameFor(request)}=${secret}; Path=/; Max-Age=${browserSessionMs / 1000}; HttpOnly; SameSite=Strict`
}

/** The header that takes it away. */
export function endedCookie(request: CookieBearer): string {
  return `${nameFor(request)}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict`
}

/** Browsers share cookies between the ports of a host, so that each daemon of a machine needs a name of its own. */
function nameFor({ socket }: CookieBearer): string {
  return `hearsay-session-${socket?.localPort ?? 0}`
}
