/**
 * Access of the data types to the replica: views of an address, its tokens, and writes that see what a read would have
 * shown.
 */
import { HearsayError } from '../errors.js'
import type { Address } from '../model/address.js'
import { valueHash, versionDigest } from '../model/digest.js'
import type { Dot, NamedDot } from '../model/dot.js'
import { mergeDots, type Sibling, siblings } from '../model/register.js'
import { keepSiblings, type Resolvers } from '../model/resolver.js'
import { decodeToken, encodeToken } from '../model/token.js'
import type { Version } from '../model/update.js'
import type { Replica } from '../replica/replica.js'
import type { Transaction } from '../replica/types.js'
import { ShownMemo } from './shown-memo.js'
import type { ShownVersion, Written } from './types.js'

/**
 * Number of times that a write waits for a resolver; siblings that change faster are then left side by side, which
 * loses nothing.
 */
const resolverAttemptsMax = 3

/** Ends a write that has to wait for a resolver; nothing was stored. */
class ResolverPending extends Error {
  constructor(
    readonly key: string,
    readonly groups: readonly Sibling[],
  ) {
    super('a resolver has not computed its value yet')
  }
}

/** Ends a write that is to start again when something is settled outside of it; nothing was stored. */
export class Postponed extends Error {
  constructor(readonly until: Promise<void>) {
    super('the write has to wait for something outside of it')
    // It may be rejected before the write has been undone, and somebody looks.
    until.catch(() => undefined)
  }
}

/** The replica as the data types use it. */
export class Access {
  /** Memory of what reads of registers showed. */
  readonly memo = new ShownMemo()
  readonly #tokenKey: () => Uint8Array
  readonly #resolvers: Resolvers

  /** `tokenKey` gives the key that tokens are authenticated with; it changes when the node joins another mesh. */
  constructor(
    readonly replica: Replica,
    tokenKey: () => Uint8Array,
    resolvers: Resolvers = keepSiblings,
  ) {
    this.#tokenKey = tokenKey
    this.#resolvers = resolvers
  }

  /**
   * Siblings that a read of these versions shows now; a resolver whose value is not known yet leaves them side by side.
   */
  shown(address: Address, versions: readonly Version[]): Sibling[] {
    return this.#view(address, versions, false)
  }

  /** Waits for the resolver of an address, if it has to compute first; undefined when it need not. */
  prepare(address: Address, versions: readonly Version[]): Promise<void> | undefined {
    const groups = siblings(versions, this.replica.clock.display())
    if (groups.length < 2 || this.#resolvers.outcome(address.key, groups) !== 'pending') return undefined
    return this.#resolvers.prepare(address.key, groups)
  }

  /** Runs a write, atomically: what it throws is passed on and nothing is stored. Resolves once durable. */
  async write<T>(run: (turn: WriteTurn) => T): Promise<T> {
    for (let attempt = 1; ; ) {
      try {
        const waits = attempt <= resolverAttemptsMax
        return await this.replica.transact((transaction) => run(new WriteTurn(this, transaction, this.#viewer(waits))))
      } catch (error) {
        if (error instanceof Postponed) await error.until
        else if (error instanceof ResolverPending) {
          attempt++
          await this.#resolvers.prepare(error.key, error.groups)
        } else throw error
      }
    }
  }

  /** The key that tokens are authenticated with now. */
  get tokenKey(): Uint8Array {
    return this.#tokenKey()
  }

  /** The token that names these dots at this address, and what stands at them. */
  token(address: Address, dots: readonly Dot[]): string {
    const named = dots.map((dot) => ({ ...dot, digest: this.replica.sync.digestOf(dot) }))
    return encodeToken(this.#tokenKey(), address, named)
  }

  /** The answer to a write of one dot; `version` is what it stored, where the disk need not be asked for that. */
  written(address: Address, dot: Dot, version?: Version): Written {
    if (version === undefined) return { dot, context: this.token(address, [dot]) }
    const named = [{ ...dot, digest: versionDigest(version, address) }]
    return { dot, context: encodeToken(this.#tokenKey(), address, named) }
  }

  /** The dots that a token names; undefined without one. Throws BAD_CONTEXT. */
  contextDots(address: Address, token: string | undefined): NamedDot[] | undefined {
    if (token === undefined) return undefined
    const dots = decodeToken(this.#tokenKey(), address, token)
    if (dots !== undefined) return dots
    throw new HearsayError(
      'BAD_CONTEXT',
      'this context is malformed, altered, or of another key or mesh; read the key again and use the context of that answer',
    )
  }

  /** A group as a reader sees it. */
  toShown({ version, expiresAtMs }: Sibling): ShownVersion {
    const { dot, time, value } = version
    return { dot, member: this.replica.memberOf(dot.actor), time, expiresAtMs, value }
  }

  #viewer(waits: boolean) {
    return (address: Address, versions: readonly Version[]) => this.#view(address, versions, waits)
  }

  #view(address: Address, versions: readonly Version[], waits: boolean): Sibling[] {
    const groups = siblings(versions, this.replica.clock.display())
    if (groups.length < 2) return groups
    const outcome = this.#resolvers.outcome(address.key, groups)
    if (outcome === 'pending' && waits) throw new ResolverPending(address.key, groups)
    return typeof outcome === 'string' ? groups : [collapsed(groups, outcome.value)]
  }
}

/** One write under way: what it has in view, and what it may do. */
export class WriteTurn {
  readonly #view: (address: Address, versions: readonly Version[]) => Sibling[]

  constructor(
    readonly access: Access,
    readonly transaction: Transaction,
    view: (address: Address, versions: readonly Version[]) => Sibling[],
  ) {
    this.#view = view
  }

  /** The live versions of an address, and the groups that a read would show now. */
  look(address: Address): { readonly versions: readonly Version[]; readonly groups: Sibling[] } {
    const versions = this.transaction.versions(address)
    return { versions, groups: this.#view(address, versions) }
  }
}

/** Siblings as the one value that a resolver computed from all of them. */
function collapsed(groups: readonly Sibling[], value: Uint8Array): Sibling {
  const equal = groups.find((group) => Buffer.compare(group.version.value, value) === 0)
  const { version, expiresAtMs } = equal ?? { version: groups[0]!.version, expiresAtMs: latestExpiry(groups) }
  return {
    version: equal === undefined ? { ...version, value, valueHash: valueHash(value) } : version,
    expiresAtMs,
    dots: mergeDots(...groups.map((group) => group.dots)),
  }
}

function latestExpiry(groups: readonly Sibling[]): number | null {
  const deadlines = groups.map((group) => group.expiresAtMs)
  return deadlines.includes(null) ? null : Math.max(...(deadlines as number[]))
}
