/**
 * The oracle: it stands outside of the nodes, knows every update that was issued and what its writer had in view, and says
 * at each change of a disk whether anything was lost, came back, or is claimed that is not there; and at rest what must be live.
 */
import { type Address, addressText } from '../../store/model/address.js'
import type { Context } from '../../store/model/context.js'
import { counterValue, idleBaselines } from '../../store/model/counter.js'
import { valueHash } from '../../store/model/digest.js'
import { type Dot, dotText, sameDot } from '../../store/model/dot.js'
import type { Update, Version } from '../../store/model/update.js'
import { CounterAccounts, shownOf } from './counters.js'
import { DocumentAccounts } from './documents.js'
import type { Mirror, MirrorDelta, MirroredVersion } from './mirror.js'
import { Violation } from './violation.js'

/** What the oracle knows of one update. */
export interface Known {
  readonly dot: Dot
  readonly address: Address
  readonly kind: Update['kind']
  readonly hash: Uint8Array | null
  readonly expiresAtMs: number | null
  readonly supersedes: readonly Dot[]
  readonly issuer: string
  /** Answered as stored: it may not be lost, unless the only disks that had it are gone. */
  isAcknowledged: boolean
  /** Some disk has it for good. */
  isDurable: boolean
  /** The only disks that had it are gone, or went back in time. */
  isExcused: boolean
}

/** What a disk is to the oracle. */
export interface Witness {
  readonly name: string
  readonly mirror: Mirror
  /** Damaged on purpose and not yet mended: what it says proves nothing. */
  readonly isDoubtful: boolean
  /** Damaged at some time: until the mesh is at rest it may show again what was superseded. */
  readonly wasDamaged: boolean
}

/** Knows every update. */
export class Oracle {
  readonly updates = new Map<string, Known>()
  readonly counters = new CounterAccounts()
  readonly documents = new DocumentAccounts()
  /** How often versions were deleted for their deadline. */
  expiries = 0
  readonly #supersededBy = new Map<string, Known[]>()
  /** Deletes in the logs of their issuers, by issuer. */
  readonly #deletes = new Map<string, Set<Known>>()
  readonly #rootOf = new Map<string, string>()
  readonly #entriesOf = new Map<string, string>()
  readonly #logMayForget: boolean

  /** `logMayForget`: whether logs are so short that they let go of what members still miss. */
  constructor({ logMayForget }: { readonly logMayForget: boolean }) {
    this.#logMayForget = logMayForget
  }

  // --- what is issued ---------------------------------------------------------------------------------------------

  /** An update was issued; nothing of it is durable yet. Throws when its dot was used before, or names dots of another address. */
  issued(update: Omit<Known, 'isAcknowledged' | 'isDurable' | 'isExcused'>): Known {
    const text = dotText(update.dot)
    if (this.updates.has(text)) throw new Violation('dot-reused', `${short(update.dot)} was issued twice`)
    for (const dot of update.supersedes) {
      const other = this.updates.get(dotText(dot))
      if (other !== undefined && addressText(other.address) !== addressText(update.address)) {
        const where = `${other.address.key} and ${update.address.key}`
        throw new Violation(
          'foreign-supersede',
          `${short(update.dot)} supersedes ${short(dot)} of another key: ${where}`,
        )
      }
    }
    const known: Known = { ...update, isAcknowledged: false, isDurable: false, isExcused: false }
    this.updates.set(text, known)
    if (known.kind === 'put' && known.address.type === 'doc') this.documents.issued(known)
    if (known.kind !== 'put') {
      const kept = this.#deletes.get(known.issuer) ?? new Set()
      this.#deletes.set(known.issuer, kept.add(known))
    }
    for (const dot of update.supersedes) {
      const list = this.#supersededBy.get(dotText(dot))
      if (list === undefined) this.#supersededBy.set(dotText(dot), [known])
      else list.push(known)
    }
    return known
  }

  /** A user was told that the update is stored. The issuer's disk must have it. */
  acknowledged(known: Known, witness: Witness): void {
    known.isAcknowledged = true
    if (!witness.isDoubtful && !witness.mirror.applied.has(known.dot)) {
      throw new Violation(
        'not-durable',
        `${short(known.dot)} was acknowledged by ${witness.name} and is not on its disk`,
      )
    }
  }

  // --- at every batch ---------------------------------------------------------------------------------------------

  /** A batch took effect on a disk. */
  batch(witness: Witness, delta: MirrorDelta, isSynced: boolean): void {
    this.#adoptOwn(witness, delta)
    this.#checkRows(witness, delta)
    if (witness.isDoubtful) {
      if (this.#logMayForget) this.#excuseForgotten(witness, delta)
      return
    }
    const { mirror, name } = witness
    for (const { version, address } of delta.added) this.#checkAdded(witness, version, address)
    for (const dot of delta.applied.dots()) this.#checkApplied(witness, dot, isSynced)
    for (const dot of delta.seen.dots()) this.#checkSeen(witness, dot)
    for (const { version } of delta.removed) this.#checkSeen(witness, version.dot)
    if (!mirror.seen.covers(mirror.applied))
      throw new Violation('context-ahead', `${name} applied what it has not seen`)
    if (!delta.unseen.isEmpty) throw new Violation('context-shrank', `${name} lost ${delta.unseen} from its contexts`)
  }

  /** Everything that a disk says, at once: after a repair, and at the end. */
  whole(witness: Witness): void {
    if (witness.isDoubtful) return
    const { mirror } = witness
    for (const { version, address } of mirror.live.values()) this.#checkAdded(witness, version, address)
    for (const dot of mirror.seen.dots()) this.#checkSeen(witness, dot)
    for (const dot of mirror.applied.dots()) this.#checkApplied(witness, dot, false)
  }

  /** Updates that a node issued by itself in the middle of another's write (a dot issued twice is settled so). */
  #adoptOwn(witness: Witness, delta: MirrorDelta): void {
    for (const { dot, row } of delta.rows) {
      if (row.state === 'stub' || this.updates.has(dotText(dot))) continue
      const version = witness.mirror.live.get(dotText(dot))?.version
      if (row.kind !== 'put' || version === undefined || row.supersedes.length > 0) {
        throw new Violation('unknown-update', `${witness.name} stores ${short(dot)}, which nobody issued`)
      }
      const { address, kind, expiresAtMs, supersedes } = row
      this.issued({ dot, address, kind, expiresAtMs, supersedes, hash: version.valueHash, issuer: witness.name })
    }
  }

  /**
   * Damage that cannot be located is mended by believing rows alone (rule 11): what has none, because the log let go of it at its limit, is
   * forgotten there. That may happen to deletes and to what they had superseded, and to nothing that was live.
   */
  #excuseForgotten({ mirror }: Witness, { unseen, unlogged, removed }: MirrorDelta): void {
    for (const dot of unseen.dots()) {
      const text = dotText(dot)
      if (mirror.rows.has(text) || unlogged.has(text) || mirror.live.has(text)) continue
      if (removed.some(({ version }) => sameDot(version.dot, dot))) continue
      const known = this.updates.get(text)
      if (known !== undefined && (known.kind !== 'put' || this.superseders(dot).length > 0)) known.isExcused = true
    }
  }

  /** What a row of the log says of an update is what its writer said. */
  #checkRows(witness: Witness, delta: MirrorDelta): void {
    for (const { dot, row } of delta.rows) {
      const known = this.updates.get(dotText(dot))
      if (known === undefined || row.bare || row.state === 'stub') continue
      const isSame =
        row.kind === known.kind &&
        addressText(row.address) === addressText(known.address) &&
        row.supersedes.length === known.supersedes.length &&
        row.supersedes.every((one, at) => sameDot(one, known.supersedes[at]!))
      if (!isSame)
        throw new Violation('update-altered', `${witness.name} stores ${short(dot)} otherwise than it was issued`)
    }
  }

  #checkAdded(witness: Witness, version: Version, address: Address): void {
    const { mirror, name } = witness
    const known = this.updates.get(dotText(version.dot))
    if (known === undefined) throw new Violation('invented', `${name} shows ${short(version.dot)}, which nobody issued`)
    const isSame = known.hash !== null && Buffer.compare(known.hash, version.valueHash) === 0
    if (!isSame || addressText(known.address) !== addressText(address)) {
      throw new Violation('value-altered', `${name} shows ${short(version.dot)} with other bytes or at another key`)
    }
    if (known.expiresAtMs !== version.expiresAtMs) {
      const deadlines = `${version.expiresAtMs} instead of ${known.expiresAtMs}`
      throw new Violation('deadline-altered', `${name} shows ${short(version.dot)} until ${deadlines}`)
    }
    if (!mirror.seen.has(version.dot)) throw new Violation('live-unseen', `${name} shows ${short(version.dot)} unseen`)
    for (const by of this.superseders(version.dot)) {
      if (!mirror.applied.has(by.dot) || witness.wasDamaged) continue
      throw new Violation('resurrected', `${name} shows ${short(version.dot)} again, superseded by ${short(by.dot)}`)
    }
  }

  /** Whoever has applied an update has seen what it superseded, and shows none of it. */
  #checkApplied(witness: Witness, dot: Dot, isSynced: boolean): void {
    const { mirror, name } = witness
    const known = this.updates.get(dotText(dot))
    if (known === undefined) throw new Violation('unknown-dot', `${name} applied ${short(dot)}, which nobody issued`)
    if (isSynced) known.isDurable = true
    if (witness.wasDamaged) return
    for (const other of known.supersedes) {
      if (!mirror.seen.has(other)) {
        throw new Violation('context-ahead', `${name} applied ${short(dot)}, and has not seen ${short(other)} below it`)
      }
      if (mirror.live.has(dotText(other))) {
        throw new Violation('resurrected', `${name} applied ${short(dot)}, and shows ${short(other)} below it`)
      }
    }
  }

  /** A dot that was seen is live, or superseded by somebody who had it in view. */
  #checkSeen({ mirror, name }: Witness, dot: Dot): void {
    if (mirror.live.has(dotText(dot))) return
    const known = this.updates.get(dotText(dot))
    if (known === undefined) {
      if (mirror.seen.has(dot))
        throw new Violation('unknown-dot', `${name} has seen ${short(dot)}, which nobody issued`)
      return
    }
    if (known.kind !== 'put' || !mirror.seen.has(dot) || this.superseders(dot).length > 0) return
    const where = `${known.address.type} ${known.address.key}`
    throw new Violation('lost', `${name} has seen ${short(dot)} at ${where} and does not show it; nobody superseded it`)
  }

  // --- roots, acknowledgements, existence ---------------------------------------------------------------------------

  /** Roots are equal if and only if entries are equal. `root`: of a verified node with nothing under way. */
  root(name: string, root: string, mirror: Mirror): void {
    const entries = mirror.entriesText()
    const rootBefore = this.#rootOf.get(entries)
    const entriesBefore = this.#entriesOf.get(root)
    if (rootBefore !== undefined && rootBefore !== root) {
      throw new Violation('root-differs', `${name} has another root than another node had with the same entries`)
    }
    if (entriesBefore !== undefined && entriesBefore !== entries) {
      throw new Violation('root-collides', `${name} has the same root as another node had with other entries`)
    }
    this.#rootOf.set(entries, root)
    this.#entriesOf.set(root, entries)
  }

  /** What a node takes for acknowledged by a member is on the member's disk. */
  acknowledgement(by: string, of: Witness, acknowledged: Context): void {
    if (of.isDoubtful || of.mirror.applied.covers(acknowledged)) return
    const beyond = acknowledged.minus(of.mirror.applied)
    throw new Violation('false-acknowledgement', `${by} believes that ${of.name} has ${beyond}, which it has not`)
  }

  /** A disk is gone or went back in time: what only it had is excused. */
  destroyed(left: readonly Witness[]): void {
    const trusted = left.filter((witness) => !witness.isDoubtful)
    for (const known of this.updates.values()) {
      if (!trusted.some(({ mirror }) => mirror.applied.has(known.dot))) known.isExcused = true
    }
  }

  /** Every acknowledged update is on some disk. */
  exists(witnesses: readonly Witness[]): void {
    for (const known of this.updates.values()) {
      if (!known.isAcknowledged || known.isExcused) continue
      if (witnesses.some((witness) => witness.isDoubtful || this.#isSettled(witness.mirror, known))) continue
      throw new Violation('lost', `${short(known.dot)}, acknowledged by ${known.issuer}, is on no disk any more`)
    }
  }

  /** A delete stays in the log of its issuer until every member has applied it that the issuer knows when it lets go. */
  logged(issuer: Witness, others: () => readonly Witness[]): void {
    const kept = this.#deletes.get(issuer.name)
    for (const known of kept ?? []) {
      if (!known.isAcknowledged || issuer.mirror.rows.has(dotText(known.dot))) continue
      kept!.delete(known)
      const missing = known.isExcused ? undefined : others().find(({ mirror }) => !mirror.applied.has(known.dot))
      if (missing === undefined) continue
      throw new Violation(
        'log-forgot',
        `${issuer.name} let go of ${short(known.dot)}, which ${missing.name} has not applied`,
      )
    }
  }

  /** A version was deleted for its deadline. `ownMs`: the wall clock of the issuer; `clocksMs`: those of the other nodes. */
  expiredBy(issuer: string, dots: readonly Dot[], ownMs: number, clocksMs: readonly number[]): void {
    this.expiries++
    for (const dot of dots) {
      const deadlineMs = this.updates.get(dotText(dot))?.expiresAtMs ?? Number.POSITIVE_INFINITY
      if (ownMs < deadlineMs)
        throw new Violation('expired-early', `${issuer} deleted ${short(dot)} before its deadline`)
      if (clocksMs.length < 2 || clocksMs.some((nowMs) => nowMs >= deadlineMs)) continue
      throw new Violation(
        'expired-early',
        `${issuer} deleted ${short(dot)} when no other clock had reached its deadline`,
      )
    }
  }

  // --- at rest ----------------------------------------------------------------------------------------------------

  /** All nodes are equal and quiet: what is live must be what must be live. */
  atRest(witness: Witness): void {
    const { mirror, name } = witness
    this.whole(witness)
    for (const known of this.updates.values()) {
      const isHere = mirror.applied.has(known.dot)
      if (!this.#isSettled(mirror, known) && (known.isAcknowledged || known.isDurable) && !known.isExcused) {
        throw new Violation(
          'lost',
          `${short(known.dot)} of ${known.issuer} reached nobody else, or was forgotten by all`,
        )
      }
      if (!isHere || known.kind !== 'put') continue
      const superseders = this.superseders(known.dot)
      const isLive = mirror.live.has(dotText(known.dot))
      if (!isLive && superseders.length === 0) throw new Violation('lost', `${name} lacks ${short(known.dot)} at rest`)
      if (isLive && superseders.some((by) => mirror.applied.has(by.dot))) {
        throw new Violation('false-sibling', `${name} still shows ${short(known.dot)} at rest`)
      }
    }
    const gaps = [...this.updates.values()].filter((known) => known.isExcused || !known.isAcknowledged).length
    const bound = mirror.seen.actors().length + gaps
    if (mirror.seen.rangeCount > bound) {
      throw new Violation('context-grows', `${name} keeps ${mirror.seen.rangeCount} ranges where ${bound} would do`)
    }
  }

  /**
   * Every counter shows what was added and not taken away, as it is read at this node. One of which an update was lost together with the only
   * disks that had it is left out: what was counted from it is not known.
   */
  countersAtRest(witness: Witness, read: (address: Address) => readonly Version[]): void {
    const { mirror, name } = witness
    const hasEffect = (dot: Dot) => {
      const known = this.updates.get(dotText(dot))
      return known !== undefined && this.#isSettled(mirror, known)
    }
    for (const { address, expected, dots } of this.counters.checks(hasEffect)) {
      if (dots.some((dot) => this.updates.get(dotText(dot))?.isExcused)) continue
      const versions = read(address)
      const value = counterValue(versions)
      if (value === expected) continue
      throw new Violation('miscounted', `${name} shows ${address.key} as ${shownOf(versions)} instead of ${expected}`)
    }
  }

  /** No baseline of runs of nodes that are here is left whose chains show nothing: what deletes leave behind is bounded by what is live. */
  baselinesAtRest({ mirror, name }: Witness, isHere: (actor: string) => boolean): void {
    const byAddress = new Map<string, MirroredVersion[]>()
    for (const version of mirror.live.values()) {
      if (version.address.type !== 'ctr') continue
      const text = addressText(version.address)
      byAddress.set(text, [...(byAddress.get(text) ?? []), version])
    }
    for (const [text, versions] of byAddress) {
      const idle = idleBaselines(versions.map(({ version }) => version)).filter(({ actors }) =>
        [...actors].every(isHere),
      )
      const names = idle.map(({ dot }) => short(dot)).join(' ')
      if (idle.length > 0) throw new Violation('baseline-stays', `${name} keeps ${names} at ${text}`)
    }
  }

  /** Applied; or seen and superseded, which is all that a rebuilt context can say of it. */
  #isSettled({ applied, seen }: Mirror, { dot }: Known): boolean {
    return applied.has(dot) || (seen.has(dot) && this.superseders(dot).length > 0)
  }

  /** Everybody who superseded a dot. */
  superseders(dot: Dot): readonly Known[] {
    return this.#supersededBy.get(dotText(dot)) ?? none
  }
}

const none: readonly Known[] = []

/** The hash of a value as versions carry it. */
export function hashOf(value: Uint8Array | null): Uint8Array | null {
  return value === null ? null : valueHash(value)
}

/** A dot in few characters. */
export function short(dot: Dot): string {
  return `${dot.actor.slice(0, 4)}:${dot.counter}`
}

/** Names of live versions, for the messages of violations. */
export function liveAt(mirror: Mirror): MirroredVersion[] {
  return [...mirror.live.values()]
}
