/**
 * Runs that live in two memories: machines that were copied while they ran, and memories that went back in time. From
 * the fork on one dot may name two updates. Both are writes: each is told apart by its dot, its address and its bytes,
 * survives unless a writer who had it in view superseded it, and stays the same write when a node issues it again.
 */
import { type Address, addressText } from '../../store/model/address.js'
import type { HybridTime } from '../../store/model/clock.js'
import { type Actor, type Dot, dotText } from '../../store/model/dot.js'
import type { Known } from './issues.js'
import type { Mirror, MirroredVersion } from './mirror.js'

/** What a put stored: the hash of its bytes, and its time. */
export interface Stored {
  readonly valueHash: Uint8Array
  readonly time: HybridTime
}

/** What a put stored, as text. */
export function storedText({ valueHash, time }: Stored): string {
  return `${textOf(valueHash)}@${time.ms}.${time.logical}`
}

/** What stood at a dot, as text: the address, and what was stored or, for null, that it was a delete. */
export function standingText(address: Address, stored: Stored | null): string {
  return `${addressText(address)}|${stored === null ? 'deleted' : storedText(stored)}`
}

/** Who superseded a write: those who had these very bytes in view, and those of whom it is not known. */
export interface Killers {
  readonly sure: readonly Known[]
  readonly perhaps: readonly Known[]
}

/** Knows which dots may name two updates. */
export class Forks {
  readonly #from = new Map<Actor, number>()
  /** Dots that somebody named who had no right to. */
  readonly #claimed = new Set<string>()
  readonly #claimedActors = new Set<Actor>()

  /** True if any machine was copied so far, or any dot claimed. */
  get areAny(): boolean {
    return this.#from.size > 0 || this.#claimed.size > 0
  }

  /** From this counter on two memories go on under the same id. */
  begin(actor: Actor, counter: number): void {
    this.#from.set(actor, Math.min(counter, this.#from.get(actor) ?? Number.POSITIVE_INFINITY))
  }

  /**
   * Somebody named a dot that is not his: what its actor issues under it is still to come, or is there with other
   * bytes.
   */
  claim(dot: Dot): void {
    this.#claimed.add(dotText(dot))
    this.#claimedActors.add(dot.actor)
  }

  /** True if somebody named a dot that is not his. */
  isClaimed(dot: Dot): boolean {
    return this.#claimedActors.has(dot.actor) && this.#claimed.has(dotText(dot))
  }

  /** How many dots were named so. */
  get claims(): number {
    return this.#claimed.size
  }

  /** True if a dot may name two updates. */
  has(dot: Dot): boolean {
    if (this.isClaimed(dot)) return true
    const from = this.#from.get(dot.actor)
    return from !== undefined && dot.counter > from
  }

  /** Who superseded a write, under its own name or that of a reissue. `supersededBy`: all who named a dot. */
  killersOf(known: Known, supersededBy: (dot: Dot) => readonly Known[]): Killers {
    const sure: Known[] = []
    const perhaps: Known[] = []
    const place = addressText(known.address)
    for (const member of groupOf(known)) {
      for (const by of supersededBy(member.dot)) {
        if (by.reissueOf !== undefined || addressText(by.address) !== place) continue
        const seen = by.view.get(dotText(member.dot))
        if (!this.has(member.dot) || seen === storedText(member.stored!)) sure.push(by)
        else if (seen === undefined) perhaps.push(by)
      }
    }
    return { sure, perhaps }
  }
}

/** A write and all of its reissues. */
export function groupOf(known: Known): readonly Known[] {
  const root = known.reissueOf ?? known
  return [root, ...root.reissues]
}

/**
 * Whether a disk shows a write, under its own name or that of a reissue; and whether it shows the same bytes under any
 * name.
 */
export function shownBy(mirror: Mirror, known: Known): { isShown: boolean; areBytesShown: boolean } {
  const place = addressText(known.address)
  const hash = textOf(known.hash)
  const here = mirror.versionsAt(place).filter(({ version }) => textOf(version.valueHash) === hash)
  const names = new Set(groupOf(known).map(({ dot }) => dotText(dot)))
  const isIt = ({ version }: MirroredVersion) =>
    names.has(dotText(version.dot)) && storedText(version) === storedText(known.stored!)
  return { isShown: here.some(isIt), areBytesShown: here.length > 0 }
}

/** The hash of a value as text. */
export function textOf(hash: Uint8Array | null): string {
  return hash === null ? 'deleted' : Buffer.from(hash).toString('hex')
}
