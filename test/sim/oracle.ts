/**
 * The oracle: it stands outside of the nodes, knows every update that was issued and what its writer had in view, and
 * says at each change of a disk whether anything was lost, came back, or is claimed that is not there; and at rest what
 * must be live.
 */

import type { Context } from '../../store/model/context.js'
import { valueHash } from '../../store/model/digest.js'
import { type Dot, dotText } from '../../store/model/dot.js'
import { CounterAccounts } from './counters.js'
import { DiskChecks } from './disk-checks.js'
import { DocumentAccounts } from './documents.js'
import type { Forks } from './forks.js'
import { type Issue, Issues, type Known, short } from './issues.js'
import type { Mirror } from './mirror.js'
import { RestJudge } from './rest-judge.js'
import { SimulationViolation } from './violation.js'
import type { Witness } from './witness.js'

/** Knows every update. */
export class Oracle {
  readonly issues = new Issues()
  readonly counters = new CounterAccounts()
  readonly documents = new DocumentAccounts()
  /** How often versions were deleted for their deadline. */
  expiries = 0
  /** Checks of disks at each batch. */
  readonly checks: DiskChecks
  /** Verdicts once all nodes are equal. */
  readonly rest: RestJudge
  /** Deletes in the logs of their issuers, by issuer. */
  readonly #deletes = new Map<string, Set<Known>>()
  readonly #rootOf = new Map<string, string>()
  readonly #entriesOf = new Map<string, string>()

  /** `logMayForget`: true if logs are so short that they are trimmed before all members have what is in them. */
  constructor({ logMayForget }: { readonly logMayForget: boolean }) {
    const { issues, counters } = this
    this.checks = new DiskChecks({ issues, logMayForget, adopt: (update) => this.issued(update) })
    this.rest = new RestJudge({ issues, counters, checks: this.checks })
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

  /**
   * An update was issued; nothing of it is durable yet. Throws when its dot was used before, or names dots of another
   * address.
   */
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

  /**
   * A lie was told. It counts as a write of its own; of what it names it supersedes what it had in view at its address,
   * and nothing else. Of what nobody has issued yet it is not known: who hears of the lie first cannot tell it from a
   * write, should that come at this very address.
   */
  lied(lie: Issue): void {
    const isInView = (dot: Dot) => lie.view.has(dotText(dot)) && this.updates.has(dotText(dot))
    this.issues.lies.add(dotText(lie.dot))
    for (const dot of lie.supersedes) if (!this.updates.has(dotText(dot))) this.issues.named(dot, lie.address)
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

  /**
   * A delete stays in the log of its issuer until every member has applied it that the issuer knows when it trims it.
   */
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
        `${issuer.name} trimmed ${short(known.dot)}, which ${missing.name} has not applied`,
      )
    }
  }

  /**
   * A version was deleted for its deadline. `ownMs`: the wall clock of the issuer; `clocksMs`: those of the other
   * nodes.
   */
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
}

/** The hash of a value as versions carry it. */
export function hashOf(value: Uint8Array | null): Uint8Array | null {
  return value === null ? null : valueHash(value)
}
