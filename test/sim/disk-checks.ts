/**
 * Checks of a disk against everything that was issued: at each batch that takes effect, and of the whole disk at once.
 */
import { type Address, addressText } from '../../store/model/address.js'
import { valueHash } from '../../store/model/digest.js'
import { type Dot, dotText, sameDot } from '../../store/model/dot.js'
import type { Version } from '../../store/model/update.js'
import type { DotRow } from '../../store/rows/dots.js'
import { standingText } from './forks.js'
import { type Issue, type Issues, short, standingOf } from './issues.js'
import type { MirrorDelta } from './mirror.js'
import { SimulationViolation } from './violation.js'
import type { Witness } from './witness.js'

/** The surroundings of the checks. */
export interface DiskCheckOptions {
  readonly issues: Issues
  /** True if logs are so short that they are trimmed before all members have what is in them. */
  readonly logMayForget: boolean
  /** Takes note of an update that a node issued by itself in the middle of another's write. */
  adopt(update: Issue): void
}

/** Checks disks. */
export class DiskChecks {
  readonly #issues: Issues
  readonly #options: DiskCheckOptions

  constructor(options: DiskCheckOptions) {
    this.#issues = options.issues
    this.#options = options
  }

  /** A batch took effect on a disk. */
  batch(witness: Witness, delta: MirrorDelta, isSynced: boolean): void {
    this.#issues.timeDeletes(witness.name, delta)
    this.#adoptOwn(witness, delta)
    this.#checkRows(witness, delta)
    if (witness.isDoubtful) {
      if (this.#options.logMayForget) this.#excuseForgotten(witness, delta)
      return
    }
    const { mirror, name } = witness
    for (const { version, address } of delta.added) this.#checkAdded(witness, version, address)
    for (const dot of delta.applied.dots()) this.#checkApplied(witness, dot, isSynced)
    this.#issues.markDoubles(mirror, delta, isSynced)
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
      if (row.state === 'stub' || this.#issues.updates.has(dotText(dot))) continue
      const version = witness.mirror.live.get(dotText(dot))?.version ?? loggedVersion(dot, row)
      const reissueOf = version && this.#issues.renamed(dot, row, version)
      if (version === undefined || reissueOf === undefined) {
        throw new SimulationViolation('unknown-update', `${witness.name} stores ${short(dot)}, which nobody issued`)
      }
      const { address, kind, expiresAtMs, supersedes } = row
      const [stored, hash, view] = [version, version.valueHash, new Map<string, string>()]
      const draft = { dot, address, kind, expiresAtMs, supersedes, view, stored, hash }
      this.#options.adopt({ ...draft, issuer: witness.name, reissueOf })
    }
  }

  /**
   * Damage that cannot be located is repaired by believing rows alone (rule 11): what has none, because the log dropped
   * it at its limit, is forgotten there. That may happen to deletes and to what they had superseded, and to nothing
   * that was live.
   */
  #excuseForgotten({ mirror }: Witness, { unseen, unlogged, removed }: MirrorDelta): void {
    for (const dot of unseen.dots()) {
      const text = dotText(dot)
      if (mirror.rows.has(text) || unlogged.has(text) || mirror.live.has(text)) continue
      if (removed.some(({ version }) => sameDot(version.dot, dot))) continue
      const known = this.#issues.updates.get(text)
      if (known !== undefined && (known.kind !== 'put' || this.#issues.superseders(dot).length > 0))
        known.isExcused = true
    }
  }

  /**
   * Superseded dots as text, but for those that a lie has named, or is under: nobody can say of these where they
   * belong.
   */
  #firm(dots: readonly Dot[]): string {
    const isFirm = (dot: Dot) => !this.#issues.forks.isClaimed(dot) && !this.#issues.lies.has(dotText(dot))
    return dots.filter(isFirm).map(dotText).join()
  }

  /** What a row of the log says of an update is what its writer said. */
  #checkRows(witness: Witness, delta: MirrorDelta): void {
    for (const { dot, row } of delta.rows) {
      const known = this.#issues.updates.get(dotText(dot))
      if (known === undefined || row.bare || row.state === 'stub' || this.#issues.forks.has(dot)) continue
      if (this.#issues.lies.has(dotText(dot))) continue
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
    const all = this.#issues.allOf(version.dot)
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
    if (this.#issues.forks.has(version.dot)) return
    for (const by of this.#issues.superseders(version.dot)) {
      if (!mirror.applied.has(by.dot) || witness.wasDamaged || this.#issues.forks.has(by.dot)) continue
      throw new SimulationViolation(
        'resurrected',
        `${name} shows ${short(version.dot)} again, superseded by ${short(by.dot)}`,
      )
    }
  }

  /** Whoever has applied an update has seen what it superseded, and shows none of it. */
  #checkApplied(witness: Witness, dot: Dot, isSynced: boolean): void {
    const { mirror, name } = witness
    const known = this.#issues.updates.get(dotText(dot))
    if (known === undefined && (this.#issues.forks.isClaimed(dot) || this.#issues.isName(dot))) return
    if (known === undefined)
      throw new SimulationViolation('unknown-dot', `${name} applied ${short(dot)}, which nobody issued`)
    if (this.#issues.forks.has(dot)) return
    if (isSynced) known.isDurable = true
    if (witness.wasDamaged) return
    for (const other of known.supersedes) {
      if (!mirror.seen.has(other)) {
        throw new SimulationViolation(
          'context-ahead',
          `${name} applied ${short(dot)}, and has not seen ${short(other)} below it`,
        )
      }
      if (mirror.live.has(dotText(other)) && !this.#issues.forks.has(other) && known.reissueOf === undefined) {
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
    const known = this.#issues.updates.get(dotText(dot))
    if (known === undefined) {
      if (mirror.seen.has(dot) && !this.#issues.forks.isClaimed(dot) && !this.#issues.isName(dot))
        throw new SimulationViolation('unknown-dot', `${name} has seen ${short(dot)}, which nobody issued`)
      return
    }
    if (this.#issues.lies.has(dotText(dot)) || known.reissueOf !== undefined) return
    if (
      known.kind !== 'put' ||
      !mirror.seen.has(dot) ||
      this.#issues.superseders(dot).length > 0 ||
      this.#issues.forks.has(dot)
    )
      return
    const where = `${known.address.type} ${known.address.key}`
    throw new SimulationViolation(
      'lost',
      `${name} has seen ${short(dot)} at ${where} and does not show it; nobody superseded it`,
    )
  }
}

/** What an update stored that another one superseded in the same batch: its row keeps the bytes. */
function loggedVersion(dot: Dot, { kind, time, expiresAtMs, value }: DotRow): Version | undefined {
  if (kind !== 'put' || value === null) return undefined
  return { dot, time, expiresAtMs, value, valueHash: valueHash(value) }
}
