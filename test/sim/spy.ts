/** Stands between a write and the replica: tells the oracle what was issued, by whom, with what in view. */
import { type Address, addressText } from '../../store/model/address.js'
import { compareDots, type Dot, dotText, includesDot, sameDot } from '../../store/model/dot.js'
import type { Version } from '../../store/model/update.js'
import type { Transaction } from '../../store/replica/types.js'
import { storedText } from './forks.js'
import type { Issue, Known } from './issues.js'
import { hashOf, type Oracle } from './oracle.js'
import { readerSees } from './views.js'
import { SimulationViolation } from './violation.js'

/** What a write names by a token: its dots, and what stood at each of them where the token was read. */
export interface NamedView {
  readonly dots: readonly Dot[]
  readonly view: ReadonlyMap<string, string>
}

/** What a spy knows of the write. */
export interface SpiedWrite {
  readonly issuer: string
  readonly oracle: Oracle
  /** What it must supersede, given the versions in view; undefined: not known. */
  readonly expected: ((versions: readonly Version[]) => Dot[]) | undefined
  /** What it names by a token. */
  readonly named: NamedView | undefined
  /** How much its increment must count; undefined: not known. */
  readonly adding: bigint | undefined
  note(text: () => string): void
  expired(issuer: string, dots: readonly Dot[]): void
  failed(error: unknown): void
}

/** Watches one write. */
export class WriteSpy {
  /** What the write is given in place of the replica's own. */
  readonly transaction: Transaction
  readonly #write: SpiedWrite
  readonly #own: Transaction
  readonly #drafts: Issue[] = []
  /** Told when the write was not refused. */
  readonly #counts: ((issued: readonly Known[]) => void)[] = []
  #inView: readonly Version[] = []
  /** Everything that the write read, by address and dot. */
  readonly #read = new Map<string, string>()

  constructor(transaction: Transaction, write: SpiedWrite) {
    this.#write = write
    this.#own = transaction
    this.transaction = this.#spied(transaction)
  }

  /** Tells the oracle, once the write has returned: a refused one has issued nothing. */
  told(): Known[] {
    const known = this.#drafts.map((draft) => this.#write.oracle.issued(draft))
    for (const count of this.#counts) count(known)
    return known
  }

  #spied(transaction: Transaction): Transaction {
    return {
      ...transaction,
      versions: (address) => {
        this.#inView = transaction.versions(address)
        for (const version of this.#inView) this.#read.set(placeText(address, version.dot), storedText(version))
        return this.#inView
      },
      put: (address, value, expiresAtMs, supersedes) => {
        this.#check(supersedes)
        const dot = transaction.put(address, value, expiresAtMs, supersedes)
        return this.#issued(dot, address, 'put', value, expiresAtMs, supersedes)
      },
      putAs: (address, build) => {
        let built: ReturnType<typeof build> | undefined
        const dot = transaction.putAs(address, (next, time) => {
          built = build(next, time)
          return built
        })
        return this.#issued(dot, address, 'put', built!.value, null, built!.supersedes)
      },
      remove: (address, supersedes, kind = 'delete') => {
        this.#check(supersedes)
        if (kind === 'expiry') this.#write.expired(this.#write.issuer, supersedes)
        const dot = transaction.remove(address, supersedes, kind)
        return this.#issued(dot, address, kind, null, null, supersedes)
      },
    }
  }

  #issued(
    dot: Dot,
    address: Address,
    kind: Known['kind'],
    value: Uint8Array | null,
    expiresAtMs: number | null,
    supersedes: readonly Dot[],
  ): Dot {
    const { issuer, note } = this.#write
    const draft = {
      dot,
      address,
      kind,
      hash: hashOf(value),
      expiresAtMs,
      supersedes: supersedes.toSorted(compareDots),
      view: new Map(supersedes.flatMap((one) => this.#viewOf(address, one))),
      issuer,
      stored: value === null ? null : this.#stored(address, dot),
    }
    this.#drafts.push(draft)
    note(() => `${issuer} issues ${kind} ${lineOf(draft)}`)
    if (address.type === 'ctr' && value !== null) this.#noteCount(address, value)
    return dot
  }

  /** What its writer had in view at a dot: where a token names it, what stood there when the token was read. */
  #viewOf(address: Address, dot: Dot): [string, string][] {
    const { named } = this.#write
    const isNamed = named !== undefined && includesDot(named.dots, dot)
    const stored = isNamed ? named.view.get(dotText(dot)) : this.#read.get(placeText(address, dot))
    return stored === undefined ? [] : [[dotText(dot), stored]]
  }

  /** What was stored: a put is live in its own write. */
  #stored(address: Address, dot: Dot): Version {
    const version = this.#own.versions(address).find((one) => sameDot(one.dot, dot))
    if (version === undefined) throw new SimulationViolation('vanished', `${dotText(dot)} is not live in its own write`)
    return version
  }

  #noteCount(address: Address, value: Uint8Array): void {
    const { oracle, adding } = this.#write
    const inView = this.#inView
    const at = this.#drafts.length - 1
    this.#counts.push((issued) => {
      const by = oracle.counters.issued(issued[at]!, value, inView)
      if (by !== undefined && adding !== undefined && by !== adding) {
        throw new SimulationViolation('miscounted', `${address.key} went up by ${by} where ${adding} was added`)
      }
    })
  }

  #check(supersedes: readonly Dot[]): void {
    const { expected, issuer, failed } = this.#write
    if (expected === undefined) return
    this.#checkHidden(supersedes)
    const right = new Set(expected(this.#inView).map(dotText))
    if (right.size === supersedes.length && supersedes.every((dot) => right.has(dotText(dot)))) return
    const said = supersedes.map(dotText).join(' ')
    failed(new SimulationViolation('wrong-view', `${issuer} supersedes [${said}] instead of [${[...right].join(' ')}]`))
  }

  /**
   * What the writer's own clock hides, and no token names, may go only when its deadline has passed by other clocks
   * too.
   */
  #checkHidden(supersedes: readonly Dot[]): void {
    const { named, issuer, expired } = this.#write
    const { nowMs } = this.transaction
    const shown = readerSees(this.#inView, nowMs)
    const hidden = this.#inView.filter((version) => !shown.includes(version))
    const taken = supersedes.filter((dot) => hidden.some((version) => sameDot(version.dot, dot)))
    expired(
      issuer,
      taken.filter((dot) => !includesDot(named?.dots ?? [], dot)),
    )
  }
}

function placeText(address: Address, dot: Dot): string {
  return `${addressText(address)}|${dotText(dot)}`
}

function lineOf({ dot, address, supersedes }: Pick<Known, 'dot' | 'address' | 'supersedes'>): string {
  const names = supersedes.map((one) => `${one.actor.slice(0, 4)}:${one.counter}`).join(' ')
  return `${dot.actor.slice(0, 4)}:${dot.counter} at ${address.type} ${address.key}${names && ` over ${names}`}`
}
