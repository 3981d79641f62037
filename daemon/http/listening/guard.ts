/** Guard of the API over TCP: admits requests with the token, from pages of this daemon or from no page at all. */
import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { HearsayError } from '../../../store/errors.js'
import { sha256 } from '../../../store/model/digest.js'

/** The names under which a listener may be addressed. */
export interface GuardOptions {
  readonly token: string
  /** The host that was listened on. */
  readonly host: string
  /** The machine's name. */
  readonly hostname: string
}

/** Checks requests of one TCP listener. */
export class Guard {
  readonly #tokenHash: Buffer
  readonly #names: ReadonlySet<string>
  readonly #allowsAddresses: boolean

  constructor({ token, host, hostname }: GuardOptions) {
    this.#tokenHash = sha256(Buffer.from(token))
    const isLoopback = host === 'localhost' || host === '::1' || /^127\./.test(host)
    this.#allowsAddresses = !isLoopback
    const own = ['localhost', '127.0.0.1', '::1', host]
    this.#names = new Set((isLoopback ? own : [...own, hostname]).map((name) => name.toLowerCase()))
  }

  /** Error for a refused request, FORBIDDEN_ORIGIN or UNAUTHORIZED; undefined when it may pass. */
  check(request: Pick<IncomingMessage, 'headers'>): HearsayError | undefined {
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
    if (this.#isToken(authorization)) return undefined
    const message = "send 'Authorization: Bearer' with the token in the file api.token of the data directory"
    return new HearsayError('UNAUTHORIZED', message)
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
