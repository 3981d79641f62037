/** PURE: the writes of one writer: which keys they are to, and what the account learns when they are acknowledged. */
import type { Random } from '../support/random.js'
import { type Account, soakPrefix } from './account.js'
import type { SoakRequest } from './connection.js'

/** A write: what is asked of the API, and what is noted once it is acknowledged. */
export interface SoakWrite extends SoakRequest {
  acknowledge(): void
}

/** Shares of the writes that are no puts of values. */
const shares = { delete: 0.06, increment: 0.05, member: 0.05 } as const
/** Counters and sets that all writers share. */
const sharedCounters = 8
const sharedSets = 4
/** Members of each set that one writer adds and removes. */
const ownMembers = 4
const incrementMax = 5

/** The writes of one writer, which alone writes to its keys: after convergence each has the value of its last one. */
export class Work {
  readonly #name: string
  readonly #keys: number
  readonly #account: Account
  readonly #random: Random
  #written = 0

  constructor(name: string, keys: number, account: Account, random: Random) {
    this.#name = name
    this.#keys = keys
    this.#account = account
    this.#random = random
  }

  /** The next write. */
  next(): SoakWrite {
    const drawn = this.#random.next()
    const key = this.#key(this.#random.below(this.#keys))
    if (drawn < shares.increment) return this.#increment()
    if (drawn < shares.increment + shares.member) return this.#member()
    if (drawn < shares.increment + shares.member + shares.delete && this.#account.has(key)) return this.#delete(key)
    return this.#put(key)
  }

  /** So many puts as one batch, over all keys in turn. */
  batch(puts: number): SoakWrite {
    const pairs = Array.from({ length: puts }, () => {
      const key = this.#key(this.#written % this.#keys)
      return { key, value: this.#value() }
    })
    return {
      method: 'POST',
      path: '/v1/batch',
      body: JSON.stringify({ ops: pairs.map((pair) => ({ op: 'put', ...pair })) }),
      acknowledge: () => {
        for (const { key, value } of pairs) this.#account.put(key, value)
      },
    }
  }

  #put(key: string): SoakWrite {
    const value = this.#value()
    return { method: 'PUT', path: kvPath(key), body: value, acknowledge: () => this.#account.put(key, value) }
  }

  #delete(key: string): SoakWrite {
    return {
      method: 'DELETE',
      path: kvPath(key),
      body: undefined,
      acknowledge: () => this.#account.put(key, null),
    }
  }

  #increment(): SoakWrite {
    const key = `${soakPrefix}counter/${this.#random.below(sharedCounters)}`
    const by = 1 + this.#random.below(incrementMax)
    const path = `/v1/counters/${encodeURIComponent(key)}`
    return { method: 'POST', path, body: JSON.stringify({ by }), acknowledge: () => this.#account.add(key, by) }
  }

  #member(): SoakWrite {
    const key = `${soakPrefix}set/${this.#random.below(sharedSets)}`
    const member = `${this.#name}-${this.#random.below(ownMembers)}`
    const isThere = !this.#account.hasMember(key, member)
    return {
      method: isThere ? 'PUT' : 'DELETE',
      path: `/v1/sets/${encodeURIComponent(key)}/${encodeURIComponent(member)}`,
      body: undefined,
      acknowledge: () => this.#account.setMember(key, member, isThere),
    }
  }

  #key(number: number): string {
    return `${soakPrefix}value/${this.#name}/${`${number}`.padStart(6, '0')}`
  }

  /** 100 characters that do not compress well, and are written once. */
  #value(): string {
    const head = `${this.#name}:${this.#written++}:`
    const filling = Array.from({ length: 100 - head.length }, () => letters[this.#random.below(letters.length)])
    return head + filling.join('')
  }
}

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_'

function kvPath(key: string): string {
  return `/v1/kv/${encodeURIComponent(key)}`
}
