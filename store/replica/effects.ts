/**
 * The effects of one update: on the entry, the dot rows, the feed and the contexts; and the rules for one dot with two
 * contents, which only copies of a running machine issue (DESIGN section 2, Actor ids): the greater digest keeps the
 * dot, the lesser content gets the name of its reissue, live or superseded as it is. So nothing is taken for known, or
 * for removed, that only shares a dot with what is.
 */
import { type Address, addressText } from '../model/address.js'
import { Context } from '../model/context.js'
import { differs, isPlace, updateDigest, valueHash, versionDigest } from '../model/digest.js'
import { type ContentDigest, type Dot, finderOf, type NamedDot, sameDot } from '../model/dot.js'
import { applyUpdate, versionAt } from '../model/join.js'
import { reissueDot, reissueOf, renamedBy } from '../model/reissue.js'
import type { Update, Version } from '../model/update.js'
import type { DotRow } from '../rows/dots.js'
import type { Batch } from './batch.js'
import { ContentDigests, type Rows } from './content-digests.js'
import { stubRow } from './dot-rows.js'
import { Reissues } from './reissues.js'
import type { ApplyOutcome } from './types.js'

/** Degree to which an update is known. */
export interface Knowledge {
  /** True if the dots that it superseded are not known. */
  readonly bare: boolean
  /** True if it counts as applied: all of its effects are in the state with this write. */
  readonly counts: boolean
}

/** An update of which everything is known. */
export const whole: Knowledge = { bare: false, counts: true }
/**
 * A version of which the superseded dots are not known: it stays hollow until its own update comes, or a complete pass
 * is united.
 */
export const bareVersion: Knowledge = { bare: true, counts: false }

/** Notified of what honest nodes that run once never send; each call is counted. */
export interface EffectEvents {
  /** Two contents under one dot. */
  clash(dot: Dot): void
  /** An update superseded a dot that belongs to another address; the dot was left out. */
  foreignDot(dot: Dot): void
}

const nothingSeen = new Context()
const noOutcome: ApplyOutcome = { news: 0, dropped: 0 }

/** Applies updates to the rows of one write. */
export class Effects {
  /** The contents that dots have here. */
  readonly contents: ContentDigests
  readonly #rows: Rows
  readonly #events: EffectEvents
  readonly #reissues: Reissues

  constructor(rows: Rows, events: EffectEvents) {
    this.#rows = rows
    this.#events = events
    this.contents = new ContentDigests(rows)
    this.#reissues = new Reissues(rows, this.contents)
  }

  /**
   * Applies an update that was not applied here before, and whose dot has no other content here. Its superseded dots
   * are those of its own address (`withoutForeignDots`).
   */
  apply(batch: Batch, update: Update, knowledge: Knowledge): ApplyOutcome {
    const { dots, contexts } = this.#rows
    const hashed = update.value === null ? null : valueHash(update.value)
    const digest = updateDigest(update, hashed)
    const renamed = renamedBy(update, digest)
    if (renamed !== undefined && this.#reissues.isSuperseded(batch, renamed, update.dot))
      return this.#reissues.bury(batch, update.dot, digest!)
    const known = contexts.seen.has(update.dot) ? dots.read(batch, update.dot) : undefined
    return this.#take(batch, update, { digest, hashed, knowledge, isNew: false, known })
  }

  /**
   * Compares an update with the content that its dot has here. Undefined when it is the same, or nothing is known that
   * could differ; otherwise the clash was settled. An update without its bytes settles nothing when it `mayBeLive`
   * where it comes from: the bytes must be fetched first.
   */
  settle(batch: Batch, update: Update, mayBeLive = false): ApplyOutcome | undefined {
    const theirs = updateDigest(update)
    if (theirs === undefined) return undefined
    const ours = this.contents.of(batch, update.dot)
    if (ours === undefined || !differs(ours, theirs, update.address)) return undefined
    if (!isPlace(ours)) this.#events.clash(update.dot)
    if (mayBeLive && update.value === null) return noOutcome
    const checked = this.withoutForeignDots(batch, update)
    return theirs < ours ? this.#takeLesser(batch, checked, theirs) : this.#takeGreater(batch, checked, theirs, ours)
  }

  /** A peer knows another content under a dot: if its digest is the greater one, ours gets the name of its reissue. */
  yieldTo(batch: Batch, dot: Dot, theirs: ContentDigest): void {
    const ours = this.contents.of(batch, dot)
    if (ours === undefined || ours === theirs || isPlace(ours) || isPlace(theirs)) return
    this.#events.clash(dot)
    if (ours < theirs) this.#reissues.rename(batch, dot, ours)
  }

  /** A version that a peer had seen and no longer has is gone: its dot row goes, its digest stays. */
  remove(batch: Batch, address: Address, version: Version): void {
    const { dots, digests, feed } = this.#rows
    const row = dots.read(batch, version.dot)
    dots.write(batch, version.dot, null)
    digests.write(batch, version.dot, row?.digest ?? versionDigest(version, address))
    feed.remove(batch, address, version, row?.sequence ?? 0)
  }

  /**
   * An update without the superseded dots that are known to belong to another address, or are its own. A dot that means
   * another content than the one here says nothing of the address of that.
   */
  withoutForeignDots(batch: Batch, update: Update): Update {
    if (update.supersedes.length === 0) return update
    const { contexts, dots } = this.#rows
    const isOwn = (named: NamedDot) => {
      if (sameDot(named, update.dot)) return false
      const row = contexts.seen.has(named) ? dots.read(batch, named) : undefined
      if (row === undefined || isAt(row, update.address)) return true
      const ours = this.contents.ofRow(batch, named, row)
      return named.digest !== undefined && ours !== undefined && differs(ours, named.digest, update.address)
    }
    const supersedes = update.supersedes.filter(isOwn)
    if (supersedes.length === update.supersedes.length) return update
    const own = new Set(supersedes)
    for (const dot of update.supersedes) if (!own.has(dot)) this.#events.foreignDot(dot)
    return { ...update, supersedes }
  }

  /** The change itself. `isNew`: what the seen context says of the dot is of another content. */
  #take(
    batch: Batch,
    update: Update,
    {
      digest,
      hashed,
      knowledge,
      isNew,
      known,
    }: {
      digest: ContentDigest | undefined
      /** The hash of its value, where it is known already. */
      hashed: Uint8Array | null | undefined
      knowledge: Knowledge
      isNew: boolean
      known: DotRow | undefined
    },
  ): ApplyOutcome {
    const { entries, contexts } = this.#rows
    const { dot, address } = update
    this.#settleNames(batch, update, digest)
    const before = entries.read(batch, address)
    const change = applyUpdate(before, update, isNew ? nothingSeen : contexts.seen, hashed)
    entries.write(batch, address, before, change.versions)
    const isKnownHere = this.#supersedeAll(batch, update, digest, change.dropped)
    const isLive = versionAt(change.versions, dot) !== undefined
    this.#writeDotRow(batch, update, { digest, isLive, known, bare: knowledge.bare, isQuiet: isKnownHere })
    contexts.addSeen(batch, dot)
    if (knowledge.counts) contexts.addApplied(batch, dot)
    return { news: 1, dropped: change.dropped.length }
  }

  #writeDotRow(
    batch: Batch,
    update: Update,
    is: {
      digest: ContentDigest | undefined
      isLive: boolean
      known: DotRow | undefined
      bare: boolean
      /** A reissue of what was live here: watchers have heard of it. */
      isQuiet: boolean
    },
  ): void {
    const { dot, address, kind, time, expiresAtMs, supersedes } = update
    const { dots, digests, feed, contexts } = this.#rows
    const { digest, isLive, known, bare } = is
    const supersededBy = isLive ? null : (known?.supersededBy ?? null)
    // A put seen before and gone, of which nobody here knows what superseded it, could not be sent on safely: it is not
    // logged.
    const isLogged = isLive || kind !== 'put' || supersededBy !== null || !contexts.seen.has(dot)
    if (!isLogged) {
      if (digest !== undefined) digests.write(batch, dot, digest)
      return
    }
    const sequence = is.isQuiet ? 0 : feed.placeOf(batch, update, known, bare)
    const value = isLive ? null : update.value
    const state = isLive ? 'live' : 'logged'
    const about = { address, time, expiresAtMs, supersedes, digest: digest ?? known?.digest }
    dots.write(batch, dot, { state, kind, bare, sequence, ...about, supersededBy, value })
  }

  /** Returns whether the update reissues a content that was live here. */
  #supersedeAll(batch: Batch, update: Update, digest: ContentDigest | undefined, dropped: readonly Version[]): boolean {
    if (update.supersedes.length === 0) return false
    const isReissue = renamedBy(update, digest) !== undefined
    const droppedAt = finderOf(dropped)
    for (const named of update.supersedes) this.#supersede(batch, named, update, droppedAt(named), isReissue)
    return isReissue && dropped.length > 0
  }

  /**
   * Records that an update superseded a dot: in the dot's row or digest, and in the seen context. A dot that has
   * another content here keeps it.
   */
  #supersede(batch: Batch, named: NamedDot, by: Update, version: Version | undefined, isReissue: boolean): void {
    const { dots, digests, contexts } = this.#rows
    const isSeen = contexts.seen.has(named)
    const row = isSeen ? dots.read(batch, named) : undefined
    // What was dropped stands in its entry no more, where a row without a digest would look for it.
    const dropped = version && (row?.digest ?? versionDigest(version, by.address))
    const ours = dropped ?? (isSeen ? this.contents.of(batch, named) : undefined)
    // Another content keeps the dot here: that of the name was settled before, and of a reissue it says nothing.
    if (named.digest !== undefined && ours !== undefined && differs(ours, named.digest, by.address)) return
    // The same content may be live under the name of its reissue: who superseded it has superseded that.
    if (version === undefined && named.digest !== undefined && !isReissue)
      this.#reissues.buryKnown(batch, named, named.digest)
    if (version !== undefined && row?.state === 'live') {
      dots.write(batch, named, { ...row, state: 'logged', supersededBy: by.dot, value: version.value, digest: ours })
    } else if (row !== undefined && row.supersededBy === null) {
      dots.write(batch, named, { ...row, supersededBy: by.dot, digest: better(row.digest, named.digest) })
    } else if (row === undefined && !isSeen) {
      dots.write(batch, named, stubRow(by, named.digest))
    } else if (row === undefined && dropped !== undefined) {
      // Damage took its row: what stood there is kept all the same, or a second content of the dot would count as
      // removed.
      digests.write(batch, named, dropped)
    } else if (row === undefined && ours === undefined && named.digest !== undefined) {
      digests.write(batch, named, named.digest)
    }
    contexts.addSeen(batch, named)
  }

  /**
   * Settles the names of an update that mean other contents than their dots have here. Before anything else: what is
   * renamed by it may be superseded by the same update under its new name.
   */
  #settleNames(batch: Batch, update: Update, digest: ContentDigest | undefined): void {
    if (update.supersedes.length === 0 || renamedBy(update, digest) !== undefined) return
    for (const named of update.supersedes) {
      if (named.digest === undefined || !this.#rows.contexts.seen.has(named)) continue
      const ours = this.contents.of(batch, named)
      if (ours === undefined || !differs(ours, named.digest, update.address)) continue
      this.#supersedeOther(batch, { ...named, digest: named.digest }, ours, update)
    }
  }

  /** An update superseded a content that the dot does not have here. */
  #supersedeOther(batch: Batch, named: Required<NamedDot>, ours: ContentDigest, by: Update): void {
    if (!isPlace(ours) && !isPlace(named.digest!)) this.#events.clash(named)
    if (named.digest! < ours) {
      this.#reissues.bury(batch, reissueDot(named, named.digest!), named.digest!)
      return
    }
    this.#reissues.rename(batch, named, ours)
    this.#rows.dots.write(batch, named, stubRow(by, named.digest))
  }

  /**
   * Their content is the lesser one: it is applied under the name of its reissue. Its effects are those of an update
   * like any other.
   */
  #takeLesser(batch: Batch, update: Update, digest: ContentDigest): ApplyOutcome {
    const { entries, contexts } = this.#rows
    this.#settleNames(batch, update, undefined)
    const before = entries.read(batch, update.address)
    const { versions, dropped } = applyUpdate(before, { ...update, value: null }, contexts.seen)
    entries.write(batch, update.address, before, versions)
    this.#supersedeAll(batch, update, undefined, dropped)
    if (update.kind !== 'put') return { news: 1, dropped: dropped.length }
    const reissue = reissueOf(update, digest)
    this.#reissues.nameMember(batch, reissue.dot, update.dot)
    // Without its bytes it was superseded: by an update that names it, or by its reissue. Both tell the rest
    // themselves.
    if (update.value !== null && !contexts.applied.has(reissue.dot)) this.apply(batch, reissue, whole)
    return { news: 1, dropped: dropped.length }
  }

  /** Their content is the greater one: ours makes way, and theirs is applied as if the dot had not been seen. */
  #takeGreater(batch: Batch, update: Update, digest: ContentDigest, ours: ContentDigest): ApplyOutcome {
    this.#reissues.rename(batch, update.dot, ours)
    const isGone = update.kind === 'put' && update.value === null
    if (isGone) {
      this.#rows.dots.write(batch, update.dot, null)
      this.#rows.digests.write(batch, update.dot, digest)
    }
    return this.#take(batch, update, { digest, hashed: undefined, knowledge: whole, isNew: true, known: undefined })
  }
}

function isAt(row: DotRow, address: Address): boolean {
  return addressText(row.address) === addressText(address)
}

/** Of two digests of one content the one that says more. */
function better(one: ContentDigest | undefined, other: ContentDigest | undefined): ContentDigest | undefined {
  return one === undefined || isPlace(one) ? (other ?? one) : one
}
