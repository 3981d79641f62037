/**
 * One peer that lies: what it sends is well-formed, and not true. It runs the protocols' own code over a replica whose
 * answers are altered on their way out, so that every frame is a valid one. The oracle knows each lie: it may take
 * effect where anybody could have written so, and may take nothing away from what others wrote elsewhere.
 */
import { type Address, addressText, isUserAddress, register } from '../../store/model/address.js'
import { Context } from '../../store/model/context.js'
import { valueHash } from '../../store/model/digest.js'
import { compareDots, type Dot, dotText } from '../../store/model/dot.js'
import type { Update } from '../../store/model/update.js'
import type { Capture, Commit, MissingUpdates, PeerEntry, SyncReplica } from '../../store/replica/types.js'
import { PassingSync } from '../support/passing-sync.js'
import type { Random } from '../support/random.js'
import { storedText } from './forks.js'
import type { Mirror } from './mirror.js'
import type { Oracle } from './oracle.js'

/**
 * What is lied about: dots that their actors have not issued; dots at other addresses; actors; a list that names its
 * own dot; contexts; bytes.
 */
export const lieKinds = ['future', 'elsewhere', 'actor', 'own', 'seen', 'bytes'] as const
export type LieKind = (typeof lieKinds)[number]

/** What a liar knows of the mesh. */
export interface LiarAround {
  readonly name: string
  readonly random: Random
  readonly oracle: Oracle
  readonly mirror: Mirror
  nowMs(): number
  /** The runs that write, and how far each has come. */
  writers(): readonly Dot[]
  note(text: () => string): void
}

/** So many different lies are told at most. */
const liesMax = 6

/** Alters what a node says. */
export class Liar {
  readonly #around: LiarAround
  readonly #kinds: readonly LieKind[]
  readonly #lies: Update[] = []
  readonly #claims: Dot[] = []

  constructor(around: LiarAround, kinds: readonly LieKind[]) {
    this.#around = around
    this.#kinds = kinds
  }

  /** What it says that it has seen, or applied. */
  seen(context: Context): Context {
    if (!this.#kinds.includes('seen')) return context
    if (this.#claims.length < liesMax) this.#claims.push(...this.#claimed(1))
    for (const dot of this.#claims) context.add(dot)
    return context
  }

  /** Updates with a lie among them. */
  updates(updates: readonly Update[]): Update[] {
    const lie = this.#lie()
    return lie === undefined ? [...updates] : [...updates, lie]
  }

  /** A commit as it is gossiped. */
  commit(commit: Commit): Commit {
    const lie = this.#lie()
    return lie === undefined ? commit : { ...commit, issued: [...commit.issued, [lie]] }
  }

  /** An entry with a lie in it, at its address. */
  entry(entry: PeerEntry): PeerEntry {
    const { random } = this.#around
    if (!random.chance(0.3) || !isUserAddress(entry.address) || entry.address.type !== 'reg') return entry
    const lie = this.#tell(entry.address)
    // In another entry it would be another lie than the one that was noted.
    if (lie === undefined || addressText(lie.address) !== addressText(entry.address)) return entry
    if (entry.updates.some(({ dot }) => dotText(dot) === dotText(lie.dot))) return entry
    return { ...entry, updates: [...entry.updates, lie].sort((a, b) => compareDots(a.dot, b.dot)) }
  }

  /** A new lie, or one that was told before. */
  #lie(): Update | undefined {
    const { random } = this.#around
    if (!random.chance(0.5)) return undefined
    if (this.#lies.length >= liesMax) return random.pick(this.#lies)
    const lie = this.#tell(register(`lie${random.below(3)}`))
    if (lie !== undefined) this.#lies.push(lie)
    return lie
  }

  #tell(address: Address): Update | undefined {
    const { random, oracle, name, note } = this.#around
    const kind = random.pick(this.#kinds)
    if (kind === 'seen') return undefined
    const bytes = kind === 'bytes' ? this.#liveElsewhere(undefined) : undefined
    if (kind === 'bytes' && bytes === undefined) return undefined
    const dot = bytes?.dot ?? {
      actor: Buffer.from(random.bytes(8)).toString('hex'),
      counter: random.pick([1, 1, 2, 900]),
    }
    const value = Buffer.from(`lie ${random.below(1_000_000)}`)
    const supersedes = [...this.#superseded(kind, address, dot)].sort(compareDots)
    const time = { ms: this.#around.nowMs(), logical: 0 }
    const where = bytes?.address ?? address
    const update: Update = { dot, address: where, kind: 'put', time, expiresAtMs: null, value, supersedes }
    if (bytes !== undefined) oracle.forks.claim(dot)
    const view = new Map(supersedes.flatMap((one) => this.#viewAt(where, one)))
    oracle.lied({
      dot,
      address: where,
      kind: 'put',
      expiresAtMs: null,
      supersedes,
      view,
      hash: valueHash(value),
      stored: { valueHash: valueHash(value), time },
      issuer: name,
    })
    note(() => `${name} lies: ${kind} ${dotText(dot)} at ${where.key} over ${supersedes.map(dotText).join(' ')}`)
    return update
  }

  #superseded(kind: LieKind, address: Address, dot: Dot): readonly Dot[] {
    switch (kind) {
      case 'future':
        return this.#claimed(1 + this.#around.random.below(3))
      case 'elsewhere': {
        const other = this.#liveElsewhere(address)
        // Who hears of the lie first cannot know better, until what it names comes.
        if (other !== undefined) this.#around.oracle.forks.claim(other.dot)
        return other === undefined ? [] : [other.dot]
      }
      case 'own':
        return [dot]
      default:
        return []
    }
  }

  /** Dots that nobody has issued yet. */
  #claimed(count: number): Dot[] {
    const { random, oracle } = this.#around
    const writers = this.#around.writers()
    if (writers.length === 0) return []
    const { actor, counter } = random.pick(writers)
    const dots = Array.from({ length: count }, (_, at) => ({ actor, counter: counter + 1 + at }))
    for (const dot of dots) oracle.forks.claim(dot)
    return dots
  }

  /** Something live of a user, at another address. */
  #liveElsewhere(address: Address | undefined): { dot: Dot; address: Address } | undefined {
    const place = address && addressText(address)
    const all = [...this.#around.mirror.live.values()].filter(
      (one) => one.address.type === 'reg' && isUserAddress(one.address) && addressText(one.address) !== place,
    )
    if (all.length === 0) return undefined
    const { version, address: other } = this.#around.random.pick(all)
    return { dot: version.dot, address: other }
  }

  #viewAt(address: Address, dot: Dot): [string, string][] {
    const text = dotText(dot)
    const here = this.#around.mirror.versionsAt(addressText(address))
    const found = here.find(({ version }) => dotText(version.dot) === text)
    return found === undefined ? [] : [[text, storedText(found.version)]]
  }
}

/** What peers are shown of a replica: with lies in it, while there is a liar. */
export class LyingSync extends PassingSync {
  readonly #liar: () => Liar | undefined

  constructor(own: SyncReplica, liar: () => Liar | undefined) {
    super(own)
    this.#liar = liar
  }

  override capture(): Capture {
    const { seen, applied, ...rest } = super.capture()
    const liar = this.#liar()
    return { ...rest, seen: liar?.seen(seen) ?? seen, applied: liar?.seen(applied) ?? applied }
  }

  override peerEntry(id: Uint8Array): PeerEntry | undefined {
    const found = super.peerEntry(id)
    return found && (this.#liar()?.entry(found) ?? found)
  }

  override async readMissing(...asked: Parameters<SyncReplica['readMissing']>): Promise<MissingUpdates> {
    const found = await super.readMissing(...asked)
    const updates = this.#liar()?.updates(found.updates)
    if (updates === undefined) return found
    const listed = found.listed.clone()
    listed.union(Context.of(updates.map(({ dot }) => dot)))
    return { ...found, updates, listed }
  }
}
