/** What must be live, and what counters must show, once all nodes are equal and quiet. */
import { type Address, addressText } from '../../store/model/address.js'
import { counterValue, idleBaselines } from '../../store/model/counter.js'
import { dotText } from '../../store/model/dot.js'
import type { Version } from '../../store/model/update.js'
import { type CounterAccounts, counterText } from './counters.js'
import type { DiskChecks } from './disk-checks.js'
import { shownBy } from './forks.js'
import { type Issues, type Known, short } from './issues.js'
import type { MirroredVersion } from './mirror.js'
import { SimulationViolation } from './violation.js'
import type { Witness } from './witness.js'

/** Everything that the oracle knows by then. */
export interface KnownAtRest {
  readonly issues: Issues
  readonly counters: CounterAccounts
  readonly checks: DiskChecks
}

/** Judges nodes at rest. */
export class RestJudge {
  /** Number of times that a key was not judged, because it is in a window that remains of copied machines. */
  windows = 0
  readonly #known: KnownAtRest
  readonly #issues: Issues

  constructor(known: KnownAtRest) {
    this.#known = known
    this.#issues = known.issues
  }

  /** All nodes are equal and quiet: what is live must be what must be live. */
  entries(witness: Witness): void {
    const { mirror, name } = witness
    this.#known.checks.whole(witness)
    for (const known of this.#issues.updates.values()) {
      // Nobody is to keep a lie.
      if (this.#issues.lies.has(dotText(known.dot)) && this.#issues.allOf(known.dot).length === 1) continue
      if (this.#issues.hasDoubles(known)) {
        this.#judge(witness, known)
        continue
      }
      const isHere = this.#issues.has(mirror, known)
      if (!this.#issues.isSettled(mirror, known) && (known.isAcknowledged || known.isDurable) && !known.isExcused) {
        throw new SimulationViolation(
          'lost',
          `${short(known.dot)} of ${known.issuer} reached nobody else, or was forgotten by all`,
        )
      }
      if (!isHere || known.kind !== 'put') continue
      const superseders = this.#issues.superseders(known.dot)
      const isLive = mirror.live.has(dotText(known.dot))
      if (!isLive && superseders.length === 0)
        throw new SimulationViolation('lost', `${name} lacks ${short(known.dot)} at rest`)
      if (isLive && superseders.some((by) => this.#issues.has(mirror, by))) {
        throw new SimulationViolation('false-sibling', `${name} still shows ${short(known.dot)} at rest`)
      }
    }
    const gaps = [...this.#issues.updates.values()].filter((known) => known.isExcused || !known.isAcknowledged).length
    const bound = mirror.seen.actors().length + gaps + 2 * (this.#issues.forks.claims + this.#issues.lies.size)
    if (mirror.seen.rangeCount > bound) {
      throw new SimulationViolation(
        'context-grows',
        `${name} keeps ${mirror.seen.rangeCount} ranges where ${bound} would do`,
      )
    }
  }

  /**
   * A write that has several names, or whose dot names another write too: it is shown, unless somebody superseded it
   * who had it in view; then it is not, under any of its names. A reissue is no new write.
   */
  #judge({ mirror, name }: Witness, known: Known): void {
    // Of counters the sum is judged: how branches of a chain are kept is theirs to say.
    if (known.kind !== 'put' || known.reissueOf !== undefined || known.address.type === 'ctr') return
    const { sure, perhaps } = this.#issues.forks.killersOf(known, (dot) => this.#issues.superseders(dot))
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
    if (this.#issues.isDigestTaken(known) || this.#issues.isNamedBefore(known)) {
      this.windows++
      return
    }
    throw new SimulationViolation(
      'lost',
      `${name} lacks ${short(known.dot)} of ${known.issuer} at ${where}; nobody superseded it`,
    )
  }

  /**
   * Every counter shows what was added and not taken away, as it is read at this node. One of which an update was lost
   * together with the only disks that had it is left out: what was counted from it is not known. So is, and that is
   * counted, one in a window that remains of copied machines: all members had acknowledged a delete, its baseline was
   * deleted, and then the other branch of a chain below it is heard of; or damage took the digest of one of two
   * contents of a dot.
   */
  counters(witness: Witness, read: (address: Address) => readonly Version[]): void {
    const { mirror, name } = witness
    const hasEffect = (known: Known) => this.#issues.isSettled(mirror, known)
    for (const { address, expected, updates, afterBaseline } of this.#known.counters.checks(hasEffect)) {
      if (updates.some(({ isExcused }) => isExcused)) continue
      const isAfterBaseline = afterBaseline.some((known) => this.#issues.hasDoubles(known))
      const versions = read(address)
      const value = counterValue(versions)
      if (value === expected && !isAfterBaseline) continue
      if (isAfterBaseline || updates.some((known) => this.#issues.isDigestTaken(known))) {
        this.windows++
        continue
      }
      throw new SimulationViolation(
        'miscounted',
        `${name} shows ${address.key} as ${counterText(versions)} instead of ${expected}`,
      )
    }
  }

  /**
   * No baseline of runs of nodes that are here is left whose chains show nothing: what deletes leave behind is bounded
   * by what is live.
   */
  baselines({ mirror, name }: Witness, isHere: (actor: string) => boolean): void {
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
