/**
 * Sign-in of browsers: links that work once, and the sessions that they begin. All of it is in memory, as hashes: after
 * a restart of the daemon everybody signs in again.
 */
import { randomBytes } from 'node:crypto'
import type { Environment } from '../../../store/environment.js'
import { sha256 } from '../../../store/model/digest.js'
import { browserSessionMs, browserSessionsMax, linkMs, linksMax, signInSecretBytes } from './limits.js'

/** A link's secret, and when it ends. */
export interface SignInLink {
  readonly secret: string
  readonly expiresAtMs: number
}

/** Links and sessions of one daemon. */
export class SignIn {
  readonly #environment: Pick<Environment, 'nowMs' | 'monotonicMs'>
  readonly #links: Secrets
  readonly #sessions: Secrets
  readonly #urls: string[] = []

  constructor(environment: Pick<Environment, 'nowMs' | 'monotonicMs'>) {
    this.#environment = environment
    this.#links = new Secrets(environment, { lifeMs: linkMs, countMax: linksMax })
    this.#sessions = new Secrets(environment, { lifeMs: browserSessionMs, countMax: browserSessionsMax })
  }

  /** Notes an address at which browsers of this machine reach the API, `http://host:port`. */
  reachableAt(url: string): void {
    this.#urls.push(url)
  }

  /** Address for browsers of this machine; undefined if the API listens on no TCP address. */
  get url(): string | undefined {
    return this.#urls[0]
  }

  /** Makes a link; of too many that nobody has used, the oldest ends. */
  makeLink(): SignInLink {
    return { secret: this.#links.add(), expiresAtMs: this.#environment.nowMs() + linkMs }
  }

  /**
   * Takes the secret of a link, which ends with that. Returns that of a new session; undefined if the link was used, or
   * has ended.
   */
  redeem(secret: string): string | undefined {
    return this.#links.remove(secret) ? this.#sessions.add() : undefined
  }

  /** True if this is the secret of a session. */
  isSignedIn(secret: string): boolean {
    return this.#sessions.has(secret)
  }

  /** Ends a session. */
  signOut(secret: string): void {
    this.#sessions.remove(secret)
  }
}

/**
 * Random secrets that end, by their hashes, oldest first. The time that a look takes shows nothing of a secret: it is
 * hashed before.
 */
class Secrets {
  readonly #ends = new Map<string, number>()
  readonly #environment: Pick<Environment, 'monotonicMs'>
  readonly #lifeMs: number
  readonly #countMax: number

  constructor(environment: Pick<Environment, 'monotonicMs'>, bounds: { lifeMs: number; countMax: number }) {
    this.#environment = environment
    this.#lifeMs = bounds.lifeMs
    this.#countMax = bounds.countMax
  }

  add(): string {
    this.#expire()
    const [oldest] = this.#ends.keys()
    if (this.#ends.size >= this.#countMax && oldest !== undefined) this.#ends.delete(oldest)
    const secret = randomBytes(signInSecretBytes).toString('base64url')
    this.#ends.set(hashOf(secret), this.#environment.monotonicMs() + this.#lifeMs)
    return secret
  }

  has(secret: string): boolean {
    this.#expire()
    return this.#ends.has(hashOf(secret))
  }

  remove(secret: string): boolean {
    this.#expire()
    return this.#ends.delete(hashOf(secret))
  }

  #expire(): void {
    const nowMs = this.#environment.monotonicMs()
    for (const [hash, endMs] of this.#ends) {
      if (endMs > nowMs) return
      this.#ends.delete(hash)
    }
  }
}

const hashOf = (secret: string) => sha256(Buffer.from(secret)).toString('hex')
