/**
 * The account of all counters: every increment by itself, which one it went on from, and which deletes had it in view.
 * It knows nothing of how values are computed; of the bytes it reads the totals, and which chain they belong to.
 */
import { type Address, addressText } from '../../store/model/address.js'
import { counterValue } from '../../store/model/counter.js'
import { type CounterValue, decodeCounter } from '../../store/model/counter-values.js'
import { dotText, includesDot } from '../../store/model/dot.js'
import type { Version } from '../../store/model/update.js'
import { storedText } from './forks.js'
import type { Known } from './issues.js'

type Total = Extract<CounterValue, { kind: 'total' }>

/** One increment. A chain that two memories go on with branches: each increment has one before it. */
interface Entry {
  readonly update: Known
  readonly by: bigint
  readonly before: Entry | undefined
  /** Deletes that had it in view. */
  readonly coveredBy: Known[]
  readonly chain: string
}

interface Account {
  readonly address: Address
  readonly entries: Entry[]
  /**
   * The last increments that each version holds, one or, in a fold, one of each chain; by dot, time and bytes, and
   * without the dot: a reissue is no other version.
   */
  readonly byVersion: Map<string, readonly Entry[]>
  /** Chains whose baseline was deleted, because all members had acknowledged it. */
  readonly forgotten: Set<string>
}

/** What a node must show of a counter at rest. */
export interface CounterCheck {
  readonly address: Address
  readonly expected: bigint | undefined
  /** Every update of the counter. */
  readonly updates: readonly Known[]
  /** Increments that count on chains whose baseline was deleted. */
  readonly afterBaseline: readonly Known[]
}

/** Knows every increment and every delete of a counter. */
export class CounterAccounts {
  /** How often totals of ended runs were folded. */
  folds = 0
  readonly #accounts = new Map<string, Account>()
  /** The chains of each baseline, by the dot of its version. */
  readonly #baselines = new Map<string, readonly string[]>()

  /**
   * An update of a counter was issued with these bytes, by a writer that had these versions in view. Returns by how
   * much it counts; undefined for deletes, and for bytes that are issued again.
   */
  issued(update: Known, value: Uint8Array, inView: readonly Version[]): bigint | undefined {
    const counter = decodeCounter(value)
    const account = this.#accountOf(update.address)
    if (counter.kind === 'total') return this.#counted(account, update, counter, inView)
    if (counter.kind === 'folded') return this.#folded(account, update, inView)
    this.#deleted(account, update, inView)
    this.#baselines.set(dotText(update.dot), counter.reaches.map(chainOf))
    return undefined
  }

  /** A version was deleted for good. Of a baseline that is right once all members have acknowledged it. */
  removed({ address, supersedes }: Known): void {
    const account = this.#accountOf(address)
    for (const dot of supersedes) {
      for (const chain of this.#baselines.get(dotText(dot)) ?? []) account.forgotten.add(chain)
    }
  }

  /** What must be shown of every counter, given which updates took effect. */
  *checks(hasEffect: (update: Known) => boolean): Iterable<CounterCheck> {
    for (const { address, entries, forgotten } of this.#accounts.values()) {
      const open = entries.filter(({ update, coveredBy }) => hasEffect(update) && !coveredBy.some(hasEffect))
      const expected = open.length === 0 ? undefined : open.reduce((sum, { by }) => sum + by, 0n)
      const updates = [...entries.map(({ update }) => update), ...entries.flatMap(({ coveredBy }) => coveredBy)]
      const afterBaseline = open.filter(({ chain }) => forgotten.has(chain)).map(({ update }) => update)
      yield { address, expected, updates, afterBaseline }
    }
  }

  #accountOf(address: Address): Account {
    const text = addressText(address)
    const account = this.#accounts.get(text) ?? { address, entries: [], byVersion: new Map(), forgotten: new Set() }
    this.#accounts.set(text, account)
    return account
  }

  #counted(account: Account, update: Known, { reach }: Total, inView: readonly Version[]): bigint {
    const before = lastOf(account, reach, inView)
    const by = BigInt(reach.total) - (before === undefined ? 0n : totalOf(before.version))
    const entry = { update, by, before: before?.entry, coveredBy: [], chain: chainOf(reach) }
    account.entries.push(entry)
    holds(account, update, [entry])
    return by
  }

  /** A fold holds what the versions held whose place it took. */
  #folded(account: Account, update: Known, inView: readonly Version[]): undefined {
    this.folds++
    const over = inView.filter(({ dot }) => includesDot(update.supersedes, dot))
    holds(account, update, [...new Set(over.flatMap((version) => entriesOf(account, version)))])
  }

  #deleted(account: Account, update: Known, inView: readonly Version[]): void {
    for (const entry of inThere(account, inView)) entry.coveredBy.push(update)
  }
}

function chainOf({ actor, chain }: Total['reach']): string {
  return `${actor}/${chain}`
}

/** The version of its own chain that an increment went on from. */
function lastOf(account: Account, { actor, chain, sequence }: Total['reach'], inView: readonly Version[]) {
  for (const version of inView) {
    const counter = decodeCounter(version.value)
    if (counter.kind !== 'total') continue
    const { reach } = counter
    if (reach.actor !== actor || reach.chain !== chain || reach.sequence !== sequence - 1) continue
    const [entry] = entriesOf(account, version)
    if (entry !== undefined) return { entry, version }
  }
  return undefined
}

/** All increments that versions in view hold: theirs, and those that these went on from. */
function inThere(account: Account, inView: readonly Version[]): Set<Entry> {
  const held = new Set<Entry>()
  for (const version of inView) {
    for (const last of entriesOf(account, version)) {
      for (let entry: Entry | undefined = last; entry !== undefined && !held.has(entry); entry = entry.before) {
        held.add(entry)
      }
    }
  }
  return held
}

/** Notes which increments the version of an update holds. */
function holds({ byVersion }: Account, { dot, stored }: Known, entries: readonly Entry[]): void {
  const text = storedText(stored!)
  byVersion.set(`${dotText(dot)}|${text}`, entries)
  byVersion.set(text, entries)
}

/** The last increments that a version holds. */
function entriesOf({ byVersion }: Account, version: Version): readonly Entry[] {
  const text = storedText(version)
  return byVersion.get(`${dotText(version.dot)}|${text}`) ?? byVersion.get(text) ?? []
}

function totalOf({ value }: Version): bigint {
  const counter = decodeCounter(value)
  return counter.kind === 'total' ? BigInt(counter.reach.total) : 0n
}

/** What these versions show, for the message of a violation. */
export function counterText(versions: readonly Version[]): string {
  return `${counterValue(versions)} of ${versions.map(({ dot }) => dotText(dot)).join(' ')}`
}
