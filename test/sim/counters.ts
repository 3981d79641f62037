/**
 * The account of all counters: every increment by itself, and which deletes had it in view. It knows nothing of how values are computed;
 * of the bytes it reads which chain an increment went on, and how far that chain had come for a delete.
 */
import { type Address, addressText } from '../../store/model/address.js'
import { type CounterValue, counterValue, decodeCounter } from '../../store/model/counter.js'
import { type Dot, dotText } from '../../store/model/dot.js'
import type { Version } from '../../store/model/update.js'

interface Entry {
  readonly dot: Dot
  readonly by: bigint
  readonly total: bigint
  readonly chain: string
  readonly sequence: number
  /** Deletes that had it in view. */
  readonly coveredBy: Dot[]
}

interface Account {
  readonly address: Address
  readonly entries: Entry[]
  /** What each baseline had in view, by its bytes: those that are issued again cover the same. */
  readonly covered: Map<string, readonly Entry[]>
}

/** What a node must show of a counter at rest. */
export interface CounterCheck {
  readonly address: Address
  readonly expected: bigint | undefined
  /** Every update of the counter. */
  readonly dots: readonly Dot[]
}

/** Knows every increment and every delete of a counter. */
export class CounterAccounts {
  readonly #accounts = new Map<string, Account>()

  /**
   * An update of a counter was issued with these bytes, by a writer that had these versions in view. Returns by how much it counts;
   * undefined for deletes, and for bytes that are issued again.
   */
  issued(address: Address, dot: Dot, value: Uint8Array, inView: readonly Version[]): bigint | undefined {
    const counter = decodeCounter(value)
    const account = this.#accountOf(address)
    if (counter.kind === 'total') return this.#counted(account, dot, counter)
    this.#deleted(account, dot, value, inView)
    return undefined
  }

  /** What must be shown of every counter, given which updates took effect. */
  *checks(hasEffect: (dot: Dot) => boolean): Iterable<CounterCheck> {
    for (const { address, entries } of this.#accounts.values()) {
      const open = entries.filter(({ dot, coveredBy }) => hasEffect(dot) && !coveredBy.some(hasEffect))
      const expected = open.length === 0 ? undefined : open.reduce((sum, { by }) => sum + by, 0n)
      const dots = [...entries.map(({ dot }) => dot), ...entries.flatMap(({ coveredBy }) => coveredBy)]
      yield { address, expected, dots }
    }
  }

  #accountOf(address: Address): Account {
    const text = addressText(address)
    const account = this.#accounts.get(text) ?? { address, entries: [], covered: new Map() }
    this.#accounts.set(text, account)
    return account
  }

  #counted({ entries }: Account, dot: Dot, { reach }: Extract<CounterValue, { kind: 'total' }>): bigint | undefined {
    const chain = `${reach.actor}:${reach.chain}`
    const before = entries.filter((entry) => entry.chain === chain)
    if (before.some((entry) => entry.sequence >= reach.sequence)) return undefined
    const total = BigInt(reach.total)
    const by = total - (before.at(-1)?.total ?? 0n)
    entries.push({ dot, by, total, chain, sequence: reach.sequence, coveredBy: [] })
    return by
  }

  #deleted(account: Account, dot: Dot, value: Uint8Array, inView: readonly Version[]): void {
    const bytes = Buffer.from(value).toString('hex')
    const covered = account.covered.get(bytes) ?? account.entries.filter((entry) => isIn(entry, inView))
    account.covered.set(bytes, covered)
    for (const entry of covered) entry.coveredBy.push(dot)
  }
}

/** Whether a version in view holds an increment: a later total of the same chain does. */
function isIn(entry: Entry, inView: readonly Version[]): boolean {
  return inView.some(({ value }) => {
    const counter = decodeCounter(value)
    if (counter.kind !== 'total') return false
    const { actor, chain, sequence } = counter.reach
    return entry.chain === `${actor}:${chain}` && entry.sequence <= sequence
  })
}

/** What these versions show, for the message of a violation. */
export function shownOf(versions: readonly Version[]): string {
  return `${counterValue(versions)} of ${versions.map(({ dot }) => dotText(dot)).join(' ')}`
}
