/** Keeps a key alive at a daemon: renews it by its schedule, says when it is in danger, and deletes it at the end. */
import { pauseUnless } from '../client/retrying.js'
import { type Client, HearsayApiError, type Written } from '../client.js'
import { deleteAttemptsMax, deleteMsMax, deleteRetryMs } from '../limits.js'
import { type Output, printable } from '../output.js'
import type { Renewals } from './renewals.js'

/** A key that is kept alive. */
export interface KeptKey {
  readonly key: string
  readonly value: Uint8Array
  /** A name for this run of the command, unlike that of any other. */
  readonly name: string
}

/**
 * The keeper of one key. It replaces its own version and nothing else: what somebody else writes to the key stays
 * beside it, as a sibling.
 */
export class Keeper {
  readonly #client: Client
  readonly #kept: KeptKey
  readonly #renewals: Renewals
  readonly #output: Output
  readonly #ended = new AbortController()
  #context: string
  /** Number of the renewal of which the user was warned, if any is missed. */
  #warned: 'missed' | 'expired' | undefined
  #working: Promise<void> = Promise.resolve()

  /** `written`: the answer to the put that stored the key. */
  constructor(client: Client, kept: KeptKey, written: Written, renewals: Renewals, output: Output) {
    this.#client = client
    this.#kept = kept
    this.#renewals = renewals
    this.#output = output
    this.#context = written.context
  }

  /** Starts to renew. */
  start(): void {
    this.#working = this.#work()
  }

  /** Stops renewing and deletes the key; a failure is said, since the key then goes by itself. */
  async end(): Promise<void> {
    this.#ended.abort()
    await this.#working
    // A renewal without an answer may be stored: it is settled first, so that its version is known.
    if (this.#renewals.failures > 0) await this.#renew()
    const { key, name } = this.#kept
    const signal = AbortSignal.timeout(deleteMsMax)
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#client.delete(key, {
          context: this.#context,
          idempotencyKey: `${name}-end`,
          signal,
        })
      } catch (error) {
        if (error instanceof HearsayApiError && error.code === 'NOT_FOUND') return
        if (attempt < deleteAttemptsMax && !signal.aborted) await pauseUnless(deleteRetryMs, undefined)
        else return this.#output.warn(`${printable(key)} is not deleted (${textOf(error)}); it expires by itself`)
      }
    }
  }

  async #work(): Promise<void> {
    const { signal } = this.#ended
    while (!signal.aborted) {
      const pauseMs = Math.max(0, this.#renewals.nextMs - performance.now())
      await pauseUnless(pauseMs, signal).catch(() => {})
      if (!signal.aborted) await this.#renew()
    }
  }

  async #renew(): Promise<void> {
    const { key, value, name } = this.#kept
    const idempotencyKey = `${name}-${this.#renewals.number}`
    this.#renewals.began(performance.now())
    try {
      const { ttlMs } = this.#renewals
      const written = await this.#client.put(key, value, {
        ttlMs,
        context: this.#context,
        idempotencyKey,
        ...this.#bound(),
      })
      this.#context = written.context
      this.#renewals.stored()
      if (this.#warned !== undefined) await this.#output.note(`${printable(key)} is kept alive again`)
      this.#warned = undefined
    } catch (error) {
      const isUnsent = error instanceof HearsayApiError && error.details.sent === false
      this.#renewals.failed(performance.now(), !isUnsent)
      await this.#warn(error)
    }
  }

  #bound(): { readonly signal: AbortSignal } {
    return { signal: AbortSignal.timeout(Math.ceil(this.#renewals.attemptMsMax)) }
  }

  /** Says once that renewals are missed, and once that the key is gone. */
  async #warn(error: unknown): Promise<void> {
    const leftMs = this.#renewals.livesUntilMs - performance.now()
    const state = leftMs > 0 ? 'missed' : 'expired'
    if (this.#warned === state || this.#warned === 'expired') return
    this.#warned = state
    const key = printable(this.#kept.key)
    if (state === 'expired') return this.#output.warn(`${key} has expired; it comes back with the next renewal`)
    const seconds = (leftMs / 1000).toFixed(1)
    await this.#output.warn(
      `${key} was not renewed (${textOf(error)}); it expires in ${seconds} s unless that succeeds`,
    )
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
