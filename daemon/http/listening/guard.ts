/**
 * Guard of the API over TCP: admits requests with the token, from pages of this daemon or from no page at all, and
 * those of a browser that has signed in, from pages of this daemon alone.
 */
import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { headerNames } from '../../../protocols/api/headers.js'
import { partsOf, routes } from '../../../protocols/api/routes.js'
import { HearsayError } from '../../../store/errors.js'
import { sha256 } from '../../../store/model/digest.js'
import { sessionOf } from '../sign-in/cookie.js'
import type { SignIn } from '../sign-in/sign-in.js'

/** The names under which a listener may be addressed. */
export interface GuardOptions {
  readonly token: string
  /** The host that was listened on. */
  readonly host: string
  /** The machine's name. */
  readonly hostname: string
  /** Browsers that have signed in; absent: the token alone admits. */
  readonly signIn?: Pick<SignIn, 'isSignedIn'>
}

/** Request as far as the guard looks at it. */
export type GuardedRequest = Pick<IncomingMessage, 'headers'> &
  Partial<Pick<IncomingMessage, 'method' | 'url' | 'socket'>>

/** Files of the dashboard beside its page: without data, and useless to a browser that gets them with an error. */
const openFiles: readonly string[] = [routes.getDashboardScript, routes.getDashboardStyle].map(
  (route) => partsOf(route).path,
)
const signInPath = partsOf(routes.signIn).path
const reading: readonly (string | undefined)[] = ['GET', 'HEAD']

/** Checks requests of one TCP listener. */
export class Guard {
  readonly #tokenHash: Buffer
  readonly #names: ReadonlySet<string>
  readonly #allowsAddresses: boolean
  readonly #signIn: Pick<SignIn, 'isSignedIn'> | undefined

  constructor({ token, host, hostname, signIn }: GuardOptions) {
    this.#signIn = signIn
    this.#tokenHash = sha256(Buffer.from(token))
    const isLoopback = host === 'localhost' || host === '::1' || /^127\./.test(host)
    this.#allowsAddresses = !isLoopback
    const own = ['localhost', '127.0.0.1', '::1', host]
    this.#names = new Set((isLoopback ? own : [...own, hostname]).map((name) => name.toLowerCase()))
  }

  /** Error for a refused request, FORBIDDEN_ORIGIN or UNAUTHORIZED; undefined when it may pass. */
  check(request: GuardedRequest): HearsayError | undefined {
    const { host, origin, authorization } = request.headers
    if (!this.#isOwnHost(host)) {
      return new HearsayError(
        'FORBIDDEN_ORIGIN',
        `the Host '${host ?? ''}' is not this daemon; use the address it listens on`,
      )
    }
    if (origin !== undefined && origin.toLowerCase() !== `http://${host?.toLowerCase()}`) {
      return new HearsayError('FORBIDDEN_ORIGIN', `pages of '${origin}' may not use this API`)
    }
    if (reading.includes(request.method) && openFiles.includes(request.url ?? '')) return undefined
    if (this.#isToken(authorization)) return undefined
    const isSignIn = request.method === 'POST' && request.url === signInPath
    if (isSignIn || this.#isSignedIn(request)) return isFromOwnPage(request) ? undefined : notOwnPage()
    const message = "send 'Authorization: Bearer' with the token in the file api.token of the data directory"
    return new HearsayError('UNAUTHORIZED', message)
  }

  /**
   * True if a browser that has signed in sends this. Pages at other ports of this host are not foreign to the cookie,
   * but the browser says that they are others.
   */
  #isSignedIn(request: GuardedRequest): boolean {
    const site = request.headers['sec-fetch-site']
    if (this.#signIn === undefined || (site !== undefined && site !== 'same-origin' && site !== 'none')) return false
    const secret = sessionOf(request)
    return secret !== undefined && this.#signIn.isSignedIn(secret)
  }

  /** A name in DNS may be pointed here by anyone, an address may not: so names must be known. */
  #isOwnHost(host: string | undefined): boolean {
    const match = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(host ?? '')
    const name = (match?.[1] ?? match?.[2])?.toLowerCase()
    if (name === undefined) return false
    return this.#names.has(name) || (this.#allowsAddresses && isIP(name) !== 0)
  }

  /**
   * True if the header holds the token. Compares hashes, so that the time it takes shows neither length nor content.
   */
  #isToken(authorization: string | undefined): boolean {
    const match = /^Bearer +(\S+) *$/i.exec(authorization ?? '')
    return timingSafeEqual(sha256(Buffer.from(match?.[1] ?? '')), this.#tokenHash) && match !== null
  }
}

/**
 * True if a request changes nothing, or shows that a page of this daemon sent it: browsers name the page's origin,
 * which was compared, and let no other page set the header.
 */
function isFromOwnPage({ method, headers }: GuardedRequest): boolean {
  if (reading.includes(method)) return true
  return headers.origin !== undefined && headers[headerNames.dashboard.toLowerCase()] !== undefined
}

function notOwnPage(): HearsayError {
  const message = `only the dashboard's own page may do this without the token: it sends Origin and ${headerNames.dashboard}`
  return new HearsayError('FORBIDDEN_ORIGIN', message)
}
