/**
 * Every update that was issued, by its dot. A dot of a run that lives in two memories may name two updates; what a node
 * reissues is another name of an update, and no new one.
 */

import { type Address, addressText } from '../../store/model/address.js'
import type { HybridTime } from '../../store/model/clock.js'
import { contentDigest, versionDigest } from '../../store/model/digest.js'
import { type Actor, type Dot, dotText, sameDot } from '../../store/model/dot.js'
import { reissueDot } from '../../store/model/reissue.js'
import type { Update, Version } from '../../store/model/update.js'
import type { DotRow } from '../../store/rows/dots.js'
import { Forks, groupOf, type Stored, standingText } from './forks.js'
import type { Mirror, MirrorDelta } from './mirror.js'
import { SimulationViolation } from './violation.js'

/** What the oracle knows of one update. */
export interface Known {
  readonly dot: Dot
  readonly address: Address
  readonly kind: Update['kind']
  readonly hash: Uint8Array | null
  /** What a put stored. */
  readonly stored: Stored | null
  readonly expiresAtMs: number | null
  readonly supersedes: readonly Dot[]
  /** What the versions were that its writer had in view, of those that it supersedes, by dot. */
  readonly view: ReadonlyMap<string, string>
  readonly issuer: string
  /** The write that this only renames. */
  readonly reissueOf?: Known | undefined
  /** Other names of this write. */
  readonly reissues: Known[]
  /** Of a delete, as its issuer's disk says. */
  time?: HybridTime
  /** Answered as stored: it may not be lost, unless the only disks that had it are gone. */
  isAcknowledged: boolean
  /** Some disk has it for good. */
  isDurable: boolean
  /** The only disks that had it are gone, or went back in time. */
  isExcused: boolean
}

/** An update as it was issued. */
export type Issue = Omit<Known, 'isAcknowledged' | 'isDurable' | 'isExcused' | 'reissues' | 'reissueOf'> & {
  readonly reissueOf?: Known | undefined
}

/** Knows every update that was issued. */
export class Issues {
  /** By dot; the further updates of a dot that names several have a mark behind it. */
  readonly updates = new Map<string, Known>()
  /** Runs that live in two memories. */
  readonly forks = new Forks()
  /** Updates that a liar made up. */
  readonly lies = new Set<string>()
  /** Dots whose row damage took from some disk where they were not live: their digest was in it. */
  readonly digestsTaken = new Set<string>()
  /** Dots that a liar named before they were issued, each with the address at which it did. */
  readonly #namedBefore = new Set<string>()
  /** All updates of the dots that name several. */
  readonly #doubles = new Map<string, Known[]>()
  /** The actors of reissues that there may be, and what they were computed from. */
  readonly #names = new Set<Actor>()
  readonly #named = new Set<Known>()
  readonly #supersededBy = new Map<string, Known[]>()

  /**
   * An update was issued; nothing of it is durable yet. Throws when its dot was used before, or names dots of another
   * address.
   */
  add({ reissueOf, ...update }: Issue): Known {
    const before = this.allOf(update.dot)
    if (before.length > 0 && !this.forks.has(update.dot)) {
      throw new SimulationViolation('dot-reused', `${short(update.dot)} was issued twice`)
    }
    for (const dot of update.supersedes) {
      const others = this.allOf(dot)
      if (others.length > 0 && others.every((other) => addressText(other.address) !== addressText(update.address))) {
        const where = `${others[0]!.address.key} and ${update.address.key}`
        throw new SimulationViolation(
          'foreign-supersede',
          `${short(update.dot)} supersedes ${short(dot)} of another key: ${where}`,
        )
      }
    }
    const states = { isAcknowledged: false, isDurable: false, isExcused: false }
    const known: Known = { ...update, reissueOf, reissues: [], ...states }
    reissueOf?.reissues.push(known)
    this.updates.set(before.length === 0 ? dotText(update.dot) : `${dotText(update.dot)}~${before.length}`, known)
    if (before.length > 0) this.#doubles.set(dotText(update.dot), [...before, known])
    for (const dot of update.supersedes) {
      const list = this.#supersededBy.get(dotText(dot))
      if (list === undefined) this.#supersededBy.set(dotText(dot), [known])
      else list.push(known)
    }
    return known
  }

  /** The update that was issued last under a dot. */
  latest(dot: Dot): Known | undefined {
    return this.allOf(dot).at(-1)
  }

  /** From this counter on two memories go on under one id. Up to now each of its dots names one update at most. */
  forked(actor: Actor, counter: number, disks: readonly { readonly mirror: Mirror }[]): void {
    for (const known of this.updates.values()) {
      if (known.dot.actor !== actor || known.dot.counter <= counter || this.forks.has(known.dot)) continue
      for (const { mirror } of disks) {
        if (mirror.applied.has(known.dot)) mirror.stands(dotText(known.dot), standingOf(known))
      }
    }
    this.forks.begin(actor, counter)
  }

  /** All updates of a dot: at most one, unless its run lives in two memories. */
  allOf(dot: Dot): readonly Known[] {
    const text = dotText(dot)
    const first = this.updates.get(text)
    return this.#doubles.get(text) ?? (first === undefined ? none : [first])
  }

  /** Deletes are told their time by the first disk that has them. */
  timeDeletes(name: string, { rows }: MirrorDelta): void {
    for (const { dot, row } of rows) {
      if (row.kind === 'put' || row.state === 'stub') continue
      const untimed = this.allOf(dot).find(
        (one) => one.kind === row.kind && one.issuer === name && one.time === undefined,
      )
      if (untimed !== undefined) untimed.time = row.time
    }
  }

  /**
   * The write that a row only renames: the same bytes at the same address, with the same time and deadline, under the
   * one name that follows from its dot and content, of which it supersedes that content alone. Only one of two updates
   * of a dot may be issued again.
   */
  renamed(dot: Dot, row: DotRow, version: Version): Known | undefined {
    const { address, expiresAtMs, supersedes } = row
    const [named] = supersedes
    if (row.kind !== 'put' || named === undefined || supersedes.length > 1) return undefined
    const standing = standingText(address, version)
    const known = this.allOf(named).find((one) => standingOf(one) === standing)
    const isNamed = known !== undefined && sameDot(dot, reissueDot(named, versionDigest(version, address)))
    if (!isNamed || known.expiresAtMs !== expiresAtMs) return undefined
    if (!this.forks.has(named))
      throw new SimulationViolation('reissued', `${short(named)} names one update, and was issued again`)
    return known.reissueOf ?? known
  }

  /** True if a dot is the name under which one of two updates of a dot may be issued again. */
  isName(dot: Dot): boolean {
    if (dot.counter !== 1 || this.#names.has(dot.actor)) return dot.counter === 1
    for (const known of this.updates.values()) {
      const time = known.stored?.time ?? known.time
      if (this.#named.has(known) || time === undefined || !this.forks.has(known.dot)) continue
      this.#named.add(known)
      this.#names.add(reissueDot(known.dot, contentDigest({ ...known, time, valueHash: known.hash })).actor)
    }
    return this.#names.has(dot.actor)
  }

  /** Of dots that name two updates, those that are here are durable. */
  markDoubles(mirror: Mirror, delta: MirrorDelta, isSynced: boolean): void {
    for (const { dot, row } of delta.rows) if (this.forks.has(dot)) this.#markRow(mirror, dot, row)
    const dots = [...delta.rows.map(({ dot }) => dot), ...delta.added.map(({ version }) => version.dot)]
    for (const dot of dots) {
      if (!isSynced || !this.forks.has(dot)) continue
      for (const known of this.allOf(dot)) if (mirror.held(dot, standingOf(known))) known.isDurable = true
    }
  }

  /** A row without bytes: which of the updates of its dot it is of shows in what it superseded. */
  #markRow(mirror: Mirror, dot: Dot, row: DotRow): void {
    if (row.state !== 'logged' || row.kind !== 'put' || row.value !== null) return
    const place = addressText(row.address)
    const names = row.supersedes.map(dotText).join()
    const fits = ({ address, kind, supersedes }: Known) =>
      kind === 'put' && addressText(address) === place && (row.bare || supersedes.map(dotText).join() === names)
    const all = this.allOf(dot).filter(fits)
    if (all.length === 1) mirror.stands(dotText(dot), standingOf(all[0]!))
  }

  /** True if a write has several names, or the dot of it or of somebody who superseded it names another write too. */
  hasDoubles(known: Known): boolean {
    if (this.forks.has(known.dot) || groupOf(known).length > 1) return true
    return this.superseders(known.dot).some((by) => this.forks.has(by.dot))
  }

  /** True if the dot of an update names two contents, and damage took the digest of one of them from some disk. */
  isDigestTaken({ dot }: Known): boolean {
    return this.forks.has(dot) && this.digestsTaken.has(dotText(dot))
  }

  /** A liar has named a dot that nobody has issued yet. */
  named(dot: Dot, address: Address): void {
    this.#namedBefore.add(placeText(dot, address))
  }

  /** True if a liar had named the dot of an update at its very address before it was issued. */
  isNamedBefore({ dot, address }: Known): boolean {
    return this.#namedBefore.has(placeText(dot, address))
  }

  /** True if a disk has an update: of a dot that names two, this one. */
  has(mirror: Mirror, known: Known): boolean {
    if (!this.forks.has(known.dot)) return mirror.applied.has(known.dot)
    return mirror.held(known.dot, standingOf(known))
  }

  /** Applied; or seen and superseded, which is all that a rebuilt context can say of it. */
  isSettled(mirror: Mirror, known: Known): boolean {
    const { seen } = mirror
    const { dot } = known
    return this.has(mirror, known) || (seen.has(dot) && this.superseders(dot).length > 0)
  }

  /** Everybody who superseded a dot. */
  superseders(dot: Dot): readonly Known[] {
    return this.#supersededBy.get(dotText(dot)) ?? none
  }
}

function placeText(dot: Dot, address: Address): string {
  return `${dotText(dot)}@${addressText(address)}`
}

const none: readonly Known[] = []

/** What stood at the dot of an update: see `standingText`. */
export function standingOf({ address, stored }: Known): string {
  return standingText(address, stored)
}

/** A dot in few characters. */
export function short(dot: Dot): string {
  return `${dot.actor.slice(0, 4)}:${dot.counter}`
}
