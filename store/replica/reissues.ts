/**
 * Reissues: the names under which the lesser of two contents of one dot lives on, or is known to be superseded (DESIGN
 * section 2, Actor ids).
 */
import { isPlace } from '../model/digest.js'
import { type ContentDigest, compareDots, type Dot, type NamedDot, sameDot } from '../model/dot.js'
import { reissueDot } from '../model/reissue.js'
import { encodeFeed, feedKey } from '../rows/feed.js'
import type { Batch } from './batch.js'
import type { ContentDigests, Rows } from './content-digests.js'
import type { ApplyOutcome } from './types.js'

/** Renames and buries contents in the rows of one write. */
export class Reissues {
  readonly #rows: Rows
  readonly #contents: ContentDigests

  constructor(rows: Rows, contents: ContentDigests) {
    this.#rows = rows
    this.#contents = contents
  }

  /**
   * Gives the content that a dot has here the name of its reissue; watchers find it where the content came. The dot has
   * none afterwards.
   */
  rename(batch: Batch, dot: Dot, digest: ContentDigest): void {
    const { entries, dots, contexts, feed } = this.#rows
    const name = reissueDot(dot, digest)
    this.nameMember(batch, name, dot)
    const row = dots.read(batch, dot)
    if (row?.state !== 'live') {
      // Nobody's content, but a place: there is nothing to be named.
      if (isPlace(digest)) return
      // Superseded: by its reissue, when that is known here, and otherwise by somebody who had it in view.
      if (!contexts.seen.has(name)) this.bury(batch, name, digest)
      return
    }
    const before = entries.read(batch, row.address)
    const version = before.find((other) => sameDot(other.dot, dot))
    const others = before.filter((other) => other !== version)
    const isNew = version !== undefined && !contexts.seen.has(name)
    const after = isNew ? [...others, { ...version, dot: name }].sort((a, b) => compareDots(a.dot, b.dot)) : others
    entries.write(batch, row.address, before, after)
    dots.write(batch, dot, { ...row, state: 'logged', supersededBy: name, value: null, sequence: 0, digest })
    if (isNew) {
      const supersedes = [{ ...bareDot(dot), digest }]
      dots.write(batch, name, { ...row, bare: false, supersedes, supersededBy: null, digest })
      if (row.sequence > feed.state.feedFloor) {
        const place = feedKey(row.sequence)
        batch.set(place, encodeFeed(place, { kind: 'update', dot: name }))
      }
    }
    contexts.addApplied(batch, name)
  }

  /** A reissue whose content was superseded: its dot is known, and not live. */
  bury(batch: Batch, name: Dot, digest: ContentDigest): ApplyOutcome {
    const { entries, dots, digests, contexts } = this.#rows
    const row = contexts.seen.has(name) ? dots.read(batch, name) : undefined
    let dropped = 0
    if (row?.state === 'live') {
      const before = entries.read(batch, row.address)
      const after = before.filter((version) => !sameDot(version.dot, name))
      dropped = before.length - after.length
      entries.write(batch, row.address, before, after)
      dots.write(batch, name, null)
    }
    digests.write(batch, name, digest)
    contexts.addApplied(batch, name)
    return { news: 1, dropped }
  }

  /** Buries the reissue of a content, if there is one here. */
  buryKnown(batch: Batch, dot: Dot, digest: ContentDigest): void {
    const name = reissueDot(dot, digest)
    if (this.#rows.contexts.seen.has(name)) this.bury(batch, name, digest)
  }

  /**
   * True if a content was superseded, by other than its reissue, which is about to come. A content that travels without
   * its bytes is followed by what superseded it; until that has come nothing is known.
   */
  isSuperseded(batch: Batch, { actor, counter, digest }: Required<NamedDot>, reissue: Dot): boolean {
    const dot = { actor, counter }
    if (!this.#rows.contexts.seen.has(dot) || this.#contents.of(batch, dot) !== digest) return false
    const row = this.#rows.dots.read(batch, dot)
    if (row === undefined) return true
    return row.state !== 'live' && row.supersededBy !== null && !sameDot(row.supersededBy, reissue)
  }

  /** A reissue belongs to the member whose content it is. */
  nameMember(batch: Batch, name: Dot, dot: Dot): void {
    const { contexts } = this.#rows
    const member = contexts.members.get(dot.actor)
    if (member !== undefined) contexts.setMember(batch, name.actor, member)
  }
}

function bareDot({ actor, counter }: Dot): Dot {
  return { actor, counter }
}
