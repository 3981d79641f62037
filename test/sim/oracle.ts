/**
 * The oracle: it stands outside of the nodes, knows every update that was issued and what its writer had in view, and says
 * at each change of a disk whether anything was lost, came back, or is claimed that is not there; and at rest what must be live.
 */

import { type Address, addressText } from '../../store/model/address.js'
import type { Context } from '../../store/model/context.js'
import { counterValue, idleBaselines } from '../../store/model/counter.js'
import { valueHash } from '../../store/model/digest.js'
import { type Dot, dotText, sameDot } from '../../store/model/dot.js'
import type { Version } from '../../store/model/update.js'
import type { DotRow } from '../../store/rows/dots.js'
import { CounterAccounts, counterText } from './counters.js'
import { DocumentAccounts } from './documents.js'
import { type Forks, shownBy, standingText } from './forks.js'
import { type Issue, Issues, type Known, short, standingOf } from './issues.js'
import type { Mirror, MirrorDelta, MirroredVersion } from './mirror.js'
import { SimulationViolation } from './violation.js'

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
  readonly issues = new Issues()
  readonly counters = new CounterAccounts()
  readonly documents = new DocumentAccounts()
  /** How often versions were deleted for their deadline. */
  expiries = 0
  /** How often a counter was not judged, because it is in the window of `countersAtRest`. */
  windows = 0
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

  /** Every update, by dot; the further ones of a dot that names several have a mark behind it. */
  get updates(): ReadonlyMap<string, Known> {
    return this.issues.updates
  }

  /** Runs that live in two memories. */
  get forks(): Forks {
    return this.issues.forks
  }

  /** An update was issued; nothing of it is durable yet. Throws when its dot was used before, or names dots of another address. */
  issued(update: Issue): Known {
    const known = this.issues.add(update)
    if (known.kind === 'put' && known.address.type === 'doc') this.documents.issued(known)
    if (known.kind !== 'put') {
      if (known.address.type === 'ctr') this.counters.removed(known)
      const kept = this.#deletes.get(known.issuer) ?? new Set()
      this.#deletes.set(known.issuer, kept.add(known))
    }
    return known
  }

  /** A lie was told. It counts as a write of its own; of what it names it supersedes what it had in view at its address, and nothing else. */
  lied(lie: Issue): void {
    const isInView = (dot: Dot) => lie.view.has(dotText(dot)) && this.updates.has(dotText(dot))
    this.issues.lies.add(dotText(lie.dot))
    this.issued({ ...lie, supersedes: lie.supersedes.filter(isInView) })
  }

  /** A user was told that the update is stored. The issuer's disk must have it. */
  acknowledged(known: Known, witness: Witness): void {
    known.isAcknowledged = true
    if (!witness.isDoubtful && !witness.mirror.applied.has(known.dot)) {
      throw new SimulationViolation(
        'not-durable',
        `${short(known.dot)} was acknowledged by ${witness.name} and is not on its disk`,
      )
    }
  }

  // --- at every batch ---------------------------------------------------------------------------------------------

  /** A batch took effect on a disk. */
  batch(witness: Witness, delta: MirrorDelta, isSynced: boolean): void {
    this.issues.timeDeletes(witness.name, delta)
    this.#adoptOwn(witness, delta)
    this.#checkRows(witness, delta)
    if (witness.isDoubtful) {
      if (this.#logMayForget) this.#excuseForgotten(witness, delta)
      return
    }
    const { mirror, name } = witness
    for (const { version, address } of delta.added) this.#checkAdded(witness, version, address)
    for (const dot of delta.applied.dots()) this.#checkApplied(witness, dot, isSynced)
    this.issues.markDoubles(mirror, delta, isSynced)
    for (const dot of delta.seen.dots()) this.#checkSeen(witness, dot)
    for (const { version } of delta.removed) this.#checkSeen(witness, version.dot)
    if (!mirror.seen.covers(mirror.applied))
      throw new SimulationViolation('context-ahead', `${name} applied what it has not seen`)
    if (!delta.unseen.isEmpty)
      throw new SimulationViolation('context-shrank', `${name} lost ${delta.unseen} from its contexts`)
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
      const version = witness.mirror.live.get(dotText(dot))?.version ?? loggedVersion(dot, row)
      const reissueOf = version && this.issues.renamed(dot, row, version)
      if (version === undefined || reissueOf === undefined) {
        throw new SimulationViolation('unknown-update', `${witness.name} stores ${short(dot)}, which nobody issued`)
      }
      const { address, kind, expiresAtMs, supersedes } = row
      const [stored, hash, view] = [version, version.valueHash, new Map<string, string>()]
      const draft = { dot, address, kind, expiresAtMs, supersedes, view, stored, hash }
      this.issued({ ...draft, issuer: witness.name, reissueOf })
    }
  }

  /**
   * Damage that cannot be located is repaired by believing rows alone (rule 11): what has none, because the log dropped it at its limit, is
   * forgotten there. That may happen to deletes and to what they had superseded, and to nothing that was live.
   */
  #excuseForgotten({ mirror }: Witness, { unseen, unlogged, removed }: MirrorDelta): void {
    for (const dot of unseen.dots()) {
      const text = dotText(dot)
      if (mirror.rows.has(text) || unlogged.has(text) || mirror.live.has(text)) continue
      if (removed.some(({ version }) => sameDot(version.dot, dot))) continue
      const known = this.updates.get(text)
      if (known !== undefined && (known.kind !== 'put' || this.issues.superseders(dot).length > 0))
        known.isExcused = true
    }
  }

  /** Superseded dots as text, but for those that a lie has named, or is under: nobody can say of these where they belong. */
  #firm(dots: readonly Dot[]): string {
    const isFirm = (dot: Dot) => !this.forks.isClaimed(dot) && !this.issues.lies.has(dotText(dot))
    return dots.filter(isFirm).map(dotText).join()
  }

  /** What a row of the log says of an update is what its writer said. */
  #checkRows(witness: Witness, delta: MirrorDelta): void {
    for (const { dot, row } of delta.rows) {
      const known = this.updates.get(dotText(dot))
      if (known === undefined || row.bare || row.state === 'stub' || this.forks.has(dot)) continue
      if (this.issues.lies.has(dotText(dot))) continue
      const isSame =
        row.kind === known.kind &&
        addressText(row.address) === addressText(known.address) &&
        this.#firm(row.supersedes) === this.#firm(known.supersedes)
      if (!isSame)
        throw new SimulationViolation(
          'update-altered',
          `${witness.name} stores ${short(dot)} otherwise than it was issued`,
        )
    }
  }

  #checkAdded(witness: Witness, version: Version, address: Address): void {
    const { mirror, name } = witness
    const all = this.issues.allOf(version.dot)
    if (all.length === 0)
      throw new SimulationViolation('invented', `${name} shows ${short(version.dot)}, which nobody issued`)
    const standing = standingText(address, version)
    const standingHere = all.filter((known) => standingOf(known) === standing)
    if (standingHere.length === 0) {
      throw new SimulationViolation(
        'value-altered',
        `${name} shows ${short(version.dot)} with other bytes or at another key`,
      )
    }
    if (!standingHere.some(({ expiresAtMs }) => expiresAtMs === version.expiresAtMs)) {
      const deadlines = `${version.expiresAtMs} instead of ${standingHere.map(({ expiresAtMs }) => expiresAtMs).join()}`
      throw new SimulationViolation('deadline-altered', `${name} shows ${short(version.dot)} until ${deadlines}`)
    }
    if (!mirror.seen.has(version.dot))
      throw new SimulationViolation('live-unseen', `${name} shows ${short(version.dot)} unseen`)
    if (this.forks.has(version.dot)) return
    for (const by of this.issues.superseders(version.dot)) {
      if (!mirror.applied.has(by.dot) || witness.wasDamaged || this.forks.has(by.dot)) continue
      throw new SimulationViolation(
        'resurrected',
        `${name} shows ${short(version.dot)} again, superseded by ${short(by.dot)}`,
      )
    }
  }

  /** Whoever has applied an update has seen what it superseded, and shows none of it. */
  #checkApplied(witness: Witness, dot: Dot, isSynced: boolean): void {
    const { mirror, name } = witness
    const known = this.updates.get(dotText(dot))
    if (known === undefined && (this.forks.isClaimed(dot) || this.issues.isName(dot))) return
    if (known === undefined)
      throw new SimulationViolation('unknown-dot', `${name} applied ${short(dot)}, which nobody issued`)
    if (this.forks.has(dot)) return
    if (isSynced) known.isDurable = true
    if (witness.wasDamaged) return
    for (const other of known.supersedes) {
      if (!mirror.seen.has(other)) {
        throw new SimulationViolation(
          'context-ahead',
          `${name} applied ${short(dot)}, and has not seen ${short(other)} below it`,
        )
      }
      if (mirror.live.has(dotText(other)) && !this.forks.has(other) && known.reissueOf === undefined) {
        throw new SimulationViolation(
          'resurrected',
          `${name} applied ${short(dot)}, and shows ${short(other)} below it`,
        )
      }
    }
  }

  /** A dot that was seen is live, or superseded by somebody who had it in view. */
  #checkSeen({ mirror, name }: Witness, dot: Dot): void {
    if (mirror.live.has(dotText(dot))) return
    const known = this.updates.get(dotText(dot))
    if (known === undefined) {
      if (mirror.seen.has(dot) && !this.forks.isClaimed(dot) && !this.issues.isName(dot))
        throw new SimulationViolation('unknown-dot', `${name} has seen ${short(dot)}, which nobody issued`)
      return
    }
    if (this.issues.lies.has(dotText(dot)) || known.reissueOf !== undefined) return
    if (known.kind !== 'put' || !mirror.seen.has(dot) || this.issues.superseders(dot).length > 0 || this.forks.has(dot))
      return
    const where = `${known.address.type} ${known.address.key}`
    throw new SimulationViolation(
      'lost',
      `${name} has seen ${short(dot)} at ${where} and does not show it; nobody superseded it`,
    )
  }

  // --- roots, acknowledgements, existence ---------------------------------------------------------------------------

  /** Roots are equal if and only if entries are equal. `root`: of a verified node with nothing under way. */
  root(name: string, root: string, mirror: Mirror): void {
    const entries = mirror.entriesText()
    const rootBefore = this.#rootOf.get(entries)
    const entriesBefore = this.#entriesOf.get(root)
    if (rootBefore !== undefined && rootBefore !== root) {
      throw new SimulationViolation(
        'root-differs',
        `${name} has another root than another node had with the same entries`,
      )
    }
    if (entriesBefore !== undefined && entriesBefore !== entries) {
      throw new SimulationViolation('root-collides', `${name} has the same root as another node had with other entries`)
    }
    this.#rootOf.set(entries, root)
    this.#entriesOf.set(root, entries)
  }

  /** What a node takes for acknowledged by a member is on the member's disk. */
  acknowledgement(by: string, of: Witness, acknowledged: Context): void {
    if (of.isDoubtful || of.mirror.applied.covers(acknowledged)) return
    const beyond = acknowledged.minus(of.mirror.applied)
    throw new SimulationViolation(
      'false-acknowledgement',
      `${by} believes that ${of.name} has ${beyond}, which it has not`,
    )
  }

  /** A disk is gone or went back in time: what only it had is excused. */
  destroyed(left: readonly Witness[]): void {
    const trusted = left.filter((witness) => !witness.isDoubtful)
    for (const known of this.updates.values()) {
      if (!trusted.some(({ mirror }) => this.issues.has(mirror, known))) known.isExcused = true
    }
  }

  /** Every acknowledged update is on some disk. */
  exists(witnesses: readonly Witness[]): void {
    for (const known of this.updates.values()) {
      if (!known.isAcknowledged || known.isExcused) continue
      if (witnesses.some((witness) => witness.isDoubtful || this.issues.isSettled(witness.mirror, known))) continue
      if (this.forks.has(known.dot) && this.issues.superseders(known.dot).length > 0) continue
      throw new SimulationViolation(
        'lost',
        `${short(known.dot)}, acknowledged by ${known.issuer}, is on no disk any more`,
      )
    }
  }

  /** A delete stays in the log of its issuer until every member has applied it that the issuer knows when it lets go. */
  logged(issuer: Witness, others: () => readonly Witness[]): void {
    const kept = this.#deletes.get(issuer.name)
    for (const known of kept ?? []) {
      if (!known.isAcknowledged || issuer.mirror.rows.has(dotText(known.dot))) continue
      if (this.forks.has(known.dot)) continue
      kept!.delete(known)
      const missing = known.isExcused ? undefined : others().find(({ mirror }) => !mirror.applied.has(known.dot))
      if (missing === undefined) continue
      throw new SimulationViolation(
        'log-forgot',
        `${issuer.name} let go of ${short(known.dot)}, which ${missing.name} has not applied`,
      )
    }
  }

  /** A version was deleted for its deadline. `ownMs`: the wall clock of the issuer; `clocksMs`: those of the other nodes. */
  expiredBy(issuer: string, dots: readonly Dot[], ownMs: number, clocksMs: readonly number[]): void {
    this.expiries++
    for (const dot of dots) {
      const deadlinesMs = this.issues.allOf(dot).map(({ expiresAtMs }) => expiresAtMs ?? Number.POSITIVE_INFINITY)
      // Of a dot that names several updates either may be the one.
      const deadlineMs = Math.min(...deadlinesMs)
      if (ownMs < deadlineMs)
        throw new SimulationViolation('expired-early', `${issuer} deleted ${short(dot)} before its deadline`)
      if (clocksMs.length < 2 || clocksMs.some((nowMs) => nowMs >= deadlineMs)) continue
      throw new SimulationViolation(
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
      // Nobody is to keep a lie.
      if (this.issues.lies.has(dotText(known.dot)) && this.issues.allOf(known.dot).length === 1) continue
      if (this.issues.hasDoubles(known)) {
        this.#judge(witness, known)
        continue
      }
      const isHere = this.issues.has(mirror, known)
      if (!this.issues.isSettled(mirror, known) && (known.isAcknowledged || known.isDurable) && !known.isExcused) {
        throw new SimulationViolation(
          'lost',
          `${short(known.dot)} of ${known.issuer} reached nobody else, or was forgotten by all`,
        )
      }
      if (!isHere || known.kind !== 'put') continue
      const superseders = this.issues.superseders(known.dot)
      const isLive = mirror.live.has(dotText(known.dot))
      if (!isLive && superseders.length === 0)
        throw new SimulationViolation('lost', `${name} lacks ${short(known.dot)} at rest`)
      if (isLive && superseders.some((by) => this.issues.has(mirror, by))) {
        throw new SimulationViolation('false-sibling', `${name} still shows ${short(known.dot)} at rest`)
      }
    }
    const gaps = [...this.updates.values()].filter((known) => known.isExcused || !known.isAcknowledged).length
    const bound = mirror.seen.actors().length + gaps + 2 * (this.forks.claims + this.issues.lies.size)
    if (mirror.seen.rangeCount > bound) {
      throw new SimulationViolation(
        'context-grows',
        `${name} keeps ${mirror.seen.rangeCount} ranges where ${bound} would do`,
      )
    }
  }

  /**
   * A write that has several names, or whose dot names another write too: it is shown, unless somebody superseded it who had it in view; then
   * it is not, under any of its names. A reissue is no new write.
   */
  #judge({ mirror, name }: Witness, known: Known): void {
    // Of counters the sum is judged: how branches of a chain are kept is theirs to say.
    if (known.kind !== 'put' || known.reissueOf !== undefined || known.address.type === 'ctr') return
    const { sure, perhaps } = this.forks.killersOf(known, (dot) => this.issues.superseders(dot))
    const { isShown, areBytesShown } = shownBy(mirror, known)
    const by = sure.find((one) => !one.isExcused && (one.isAcknowledged || one.isDurable))
    const where = `${known.address.type} ${known.address.key}`
    if (isShown && by !== undefined) {
      throw new SimulationViolation(
        'revived',
        `${name} shows ${short(known.dot)} of ${known.issuer} at ${where}, superseded by ${short(by.dot)} of ${by.issuer}`,
      )
    }
    const mustStay = (known.isAcknowledged || known.isDurable) && !known.isExcused
    if (areBytesShown || !mustStay || sure.length + perhaps.length > 0) return
    throw new SimulationViolation(
      'lost',
      `${name} lacks ${short(known.dot)} of ${known.issuer} at ${where}; nobody superseded it`,
    )
  }

  /**
   * Every counter shows what was added and not taken away, as it is read at this node. One of which an update was lost together with the only
   * disks that had it is left out: what was counted from it is not known. So is, and that is counted, one in the window that remains of copied
   * machines: all members had acknowledged a delete, its baseline was deleted, and then the other branch of a chain below it is heard of.
   */
  countersAtRest(witness: Witness, read: (address: Address) => readonly Version[]): void {
    const { mirror, name } = witness
    const hasEffect = (known: Known) => this.issues.isSettled(mirror, known)
    for (const { address, expected, updates, afterBaseline } of this.counters.checks(hasEffect)) {
      if (updates.some(({ isExcused }) => isExcused)) continue
      if (afterBaseline.some((known) => this.issues.hasDoubles(known))) {
        this.windows++
        continue
      }
      const versions = read(address)
      const value = counterValue(versions)
      if (value === expected) continue
      throw new SimulationViolation(
        'miscounted',
        `${name} shows ${address.key} as ${counterText(versions)} instead of ${expected}`,
      )
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
      if (idle.length > 0) throw new SimulationViolation('baseline-stays', `${name} keeps ${names} at ${text}`)
    }
  }
}

/** The hash of a value as versions carry it. */
export function hashOf(value: Uint8Array | null): Uint8Array | null {
  return value === null ? null : valueHash(value)
}

/** Names of live versions, for the messages of violations. */
export function liveAt(mirror: Mirror): MirroredVersion[] {
  return [...mirror.live.values()]
}

/** What an update stored that another one superseded in the same batch: its row keeps the bytes. */
function loggedVersion(dot: Dot, { kind, time, expiresAtMs, value }: DotRow): Version | undefined {
  if (kind !== 'put' || value === null) return undefined
  return { dot, time, expiresAtMs, value, valueHash: valueHash(value) }
}
