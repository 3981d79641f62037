/**
 * Looks at every step: what nodes show of themselves, what they take for acknowledged and what their logs keep, by the
 * oracle.
 */
import type { Dot } from '../../store/model/dot.js'
import type { VirtualWorld } from '../support/virtual-environment.js'
import { type Run, type SimNode, tagOf } from './node.js'
import type { Oracle } from './oracle.js'
import type { Roster } from './roster.js'
import { SimulationViolation } from './violation.js'

/** A log with room for so many bytes never comes to its limit in a simulation. */
export const roomyLogBytes = 1 << 20

/** What an inspector looks at. */
export interface Inspected {
  readonly world: VirtualWorld
  readonly oracle: Oracle
  readonly roster: Roster
  /** Errors that handlers of channels threw; they are taken out. */
  readonly handlerFailures: unknown[]
  /** True if writes are on the disk before they are acknowledged. */
  readonly isSynced: boolean
  /** True if logs have room for all that members miss. */
  readonly keepsLog: boolean
}

/** Finds what is wrong. */
export class Inspector {
  readonly #at: Inspected
  #failure: unknown

  constructor(inspected: Inspected) {
    this.#at = inspected
  }

  /** Something is wrong: the next look throws it. */
  fail(error: unknown): void {
    this.#failure ??= error
  }

  /** What changed on any node is looked at. Throws what was found. */
  look(): void {
    const { roster, handlerFailures } = this.#at
    if (handlerFailures.length > 0) this.#takeHandlerFailures()
    for (const node of roster.nodes.values()) {
      const { run } = node
      if (run === undefined) continue
      run.watchVerification()
      if (node.isDoubtful && run.isVerified) this.#mended(node)
      if (!run.isChanged) continue
      run.isChanged = false
      this.#lookAt(node, run)
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /**
   * A node deletes versions for their deadline: its clock and another one must have passed it. Whoever knows no member
   * goes by its own.
   */
  expired(issuer: string, dots: readonly Dot[]): void {
    const { world, roster, oracle } = this.#at
    const clockMs = ({ clock }: Pick<SimNode, 'clock'>) => world.nowMs + (clock.offsetMs ?? 0)
    const node = roster.get(issuer)!
    const isAlone = node.run?.protocols.membership.records().length === 0
    const others = isAlone ? [] : roster.alive().filter(({ name }) => name !== issuer)
    this.#check(() => oracle.expiredBy(issuer, dots, clockMs(node), others.map(clockMs)))
  }

  #check(look: () => void): void {
    try {
      look()
    } catch (error) {
      this.fail(error)
    }
  }

  #lookAt(node: SimNode, run: Run): void {
    const { oracle, roster } = this.#at
    this.#check(() => {
      if (run.isVerified && !node.isDoubtful) this.#compareMemory(node, run)
      this.#compareAcknowledgements(node, run)
      oracle.exists(roster.alive())
      this.#compareLog(node, run)
    })
  }

  /** A damaged node has verified itself since the damage: what it says counts again. */
  #mended(node: SimNode): void {
    if (node.run === node.damagedRun) return
    node.isDoubtful = false
    this.#check(() => this.#at.oracle.checks.whole(node))
  }

  /**
   * What a node shows of itself is what stands on its disk, once it has been told of that, and its root is the root of
   * that.
   */
  #compareMemory(node: SimNode, run: Run): void {
    const { seen, applied, root } = run.replica.sync.capture()
    const { mirror, disk } = node
    if (!mirror.seen.covers(seen) || !mirror.applied.covers(applied)) {
      throw new SimulationViolation('not-committed', `${node.name} shows contexts that are not on its disk`)
    }
    if (disk.isAhead) return
    if (!seen.covers(mirror.seen) || !applied.covers(mirror.applied)) {
      throw new SimulationViolation('not-committed', `${node.name} does not show contexts that are on its disk`)
    }
    this.#at.oracle.root(node.name, Buffer.from(root).toString('hex'), mirror)
  }

  #compareAcknowledgements(node: SimNode, run: Run): void {
    const { isSynced, roster, oracle } = this.#at
    if (!isSynced) return
    for (const other of roster.nodes.values()) {
      const acknowledged = run.acknowledged.get(tagOf(other.name))
      if (acknowledged === undefined || other.isRewound || other.isRetired) continue
      oracle.acknowledgement(node.name, other, acknowledged)
    }
  }

  /** With room for it, the log keeps what members miss. */
  #compareLog(node: SimNode, run: Run): void {
    const { isSynced, keepsLog, roster, oracle } = this.#at
    if (!isSynced || !keepsLog || node.isRewound || !run.isServing) return
    oracle.logged(node, () => {
      const known = new Set(run.protocols.membership.records().map(({ peer }) => peer))
      return roster.alive().filter(({ name, isRewound }) => known.has(name) && !isRewound)
    })
  }

  #takeHandlerFailures(): void {
    const { handlerFailures } = this.#at
    for (const error of handlerFailures) {
      if (isBug(error)) this.fail(error)
    }
    handlerFailures.length = 0
  }
}

/** An error that only a defect gives. */
function isBug(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError
}
