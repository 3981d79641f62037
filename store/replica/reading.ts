/** One call that reads what a peer misses: what was found so far, and whether it is enough for now. */
import type { Environment } from '../environment.js'
import { type Address, addressText } from '../model/address.js'
import { Context } from '../model/context.js'
import {
  type Actor,
  type ContentDigest,
  compareDots,
  contentDigestBytes,
  type Dot,
  dotText,
  includesDot,
  type NamedDot,
  sameDot,
} from '../model/dot.js'
import { versionAt } from '../model/join.js'
import type { Update, Version } from '../model/update.js'
import type { DotRow } from '../rows/dots.js'
import { chainBytesMax, chainMax, missingClockRows, missingEntriesMax, missingMsMax, missingRowsMax } from './limits.js'
import type { PeerReader } from './missing.js'
import type { MissingUpdates } from './types.js'

const updateOverheadBytes = 48
/** Bytes of a superseded dot: as it travels usually, and at most, with an actor of its own. */
const dotBytes = 4
const dotBytesMax = 27 + contentDigestBytes

/** Updates, digests and missing dots that one call has found so far. */
export class Reading implements MissingUpdates {
  readonly updates: Update[] = []
  readonly listed = new Context()
  readonly unlisted = new Context()
  rows = 0
  readonly #digests = new Map<string, NamedDot>()
  readonly #reader: PeerReader
  readonly #peerApplied: Context
  readonly #environment: Environment
  readonly #untilMs: number
  readonly #entries = new Map<string, readonly Version[]>()
  /** Dots whose chain is not kept whole, or is too long. */
  readonly #chainless = new Set<string>()
  #bytesLeft: number
  /** Number of rows from which on the clock is looked at again. */
  #lookAtRow = 0
  #hasRunLate = false

  constructor(reader: PeerReader, peerApplied: Context, bytesMax: number, environment: Environment) {
    this.#reader = reader
    this.#peerApplied = peerApplied
    this.#bytesLeft = bytesMax
    this.#environment = environment
    this.#untilMs = environment.monotonicMs() + missingMsMax
  }

  /** True if a limit of the call is reached: of bytes, rows or time. */
  get isFull(): boolean {
    return this.#bytesLeft <= 0 || this.rows >= missingRowsMax || this.#isLate()
  }

  /** Looks at the clock now and then: a row takes less than a look at it is worth. */
  #isLate(): boolean {
    if (this.#hasRunLate || this.rows < this.#lookAtRow) return this.#hasRunLate
    this.#lookAtRow = this.rows + missingClockRows
    this.#hasRunLate = this.#environment.monotonicMs() > this.#untilMs
    return this.#hasRunLate
  }

  /** Notes that nothing is kept of some dots. */
  miss(actor: Actor, first: number, last: number): void {
    this.unlisted.addRange(actor, first, last)
  }

  /** Notes the digest that is kept of a dot of which nothing else is sent; the first one counts. */
  noteDigest(dot: Dot, digest: ContentDigest): void {
    const text = dotText(dot)
    if (!this.#digests.has(text)) this.#digests.set(text, { ...dot, digest })
  }

  get digests(): NamedDot[] {
    return [...this.#digests.values()].sort(compareDots)
  }

  /** Takes one row of the log, together with what superseded it as far as the peer misses that as well. */
  take(dot: Dot, row: DotRow): void {
    if (this.listed.has(dot) || this.unlisted.has(dot)) return
    const chain = this.#alone(dot, row) ?? this.#chain(dot, row)
    if (chain === undefined) {
      this.unlisted.add(dot)
      // Of what is live the tree tells: a digest by itself says that its content is gone.
      if (row.digest !== undefined && row.state !== 'live') this.noteDigest(dot, row.digest)
      return
    }
    for (const update of chain) {
      this.updates.push(update)
      this.listed.add(update.dot)
      this.#bytesLeft -= updateOverheadBytes + (update.value?.length ?? 0) + update.supersedes.length * dotBytes
    }
  }

  /** The update of a live version, which no other follows; undefined where a chain has to be walked. */
  #alone(dot: Dot, row: DotRow): Update[] | undefined {
    if (row.state !== 'live' || row.kind !== 'put' || row.bare || this.#chainless.size > 0) return undefined
    const { address, kind, time, expiresAtMs } = row
    const version = this.#versionAt(address, dot)
    if (version === undefined) return undefined
    return [{ dot, address, kind, time, expiresAtMs, value: version.value, supersedes: supersededBy(dot, row) }]
  }

  /**
   * The update and, when its version is gone, the updates that superseded it, oldest first: all of one address, to be
   * applied at once. Alone it would take a value away at the peer before the next one is there. Undefined when a part
   * of it is not kept any more: then only the tree can tell. No row of such a chain is walked a second time.
   */
  #chain(first: Dot, firstRow: DotRow): Update[] | undefined {
    const updates: Update[] = []
    const taken = new Set<string>()
    const isWhole = this.#walk(first, firstRow, updates, taken)
    if (isWhole) return updates
    for (const text of taken) this.#chainless.add(text)
    return undefined
  }

  #walk(first: Dot, firstRow: DotRow, updates: Update[], taken: Set<string>): boolean {
    const address = addressText(firstRow.address)
    let bytes = 0
    let dot = first
    let row: DotRow | undefined = firstRow
    while (updates.length < chainMax && bytes <= chainBytesMax) {
      const text = dotText(dot)
      if (this.#chainless.has(text)) return false
      if (row === undefined || row.bare || row.state === 'stub' || addressText(row.address) !== address) return false
      taken.add(text)
      const update = this.#update(dot, row)
      if (update === undefined) return false
      updates.push(update)
      bytes += updateOverheadBytes + update.supersedes.length * dotBytesMax
      const next = update.supersededBy
      // A delete, a live version, or one whose successor the peer has (or is being sent): the chain ends here.
      if (next === null || this.#peerApplied.has(next) || this.listed.has(next) || taken.has(dotText(next))) return true
      dot = next
      row = this.#reader.dotRow(dot)
      this.rows++
    }
    return false
  }

  #update(dot: Dot, row: DotRow): (Update & { supersededBy: Dot | null }) | undefined {
    const { address, kind, time, expiresAtMs } = row
    const base = { dot, address, kind, time, expiresAtMs, supersedes: supersededBy(dot, row) }
    if (kind !== 'put') return { ...base, value: null, supersededBy: null }
    if (row.state === 'live') {
      const version = this.#versionAt(address, dot)
      if (version !== undefined) return { ...base, value: version.value, supersededBy: null }
    }
    // Superseded between the scan and now, or long ago: the row of now says by what.
    const successor = row.state === 'live' ? (this.#reader.dotRow(dot)?.supersededBy ?? null) : row.supersededBy
    return successor === null ? undefined : { ...base, value: null, digest: row.digest, supersededBy: successor }
  }

  /** Entries of many versions are read once, and again only when a version is not among them. */
  #versionAt(address: Address, dot: Dot): Version | undefined {
    const known = this.#entries.size === 0 ? undefined : this.#entries.get(addressText(address))
    const found = known && versionAt(known, dot)
    if (found !== undefined) return found
    const versions = this.#reader.versions(address)
    if (versions.length > 1) {
      if (this.#entries.size >= missingEntriesMax) this.#entries.clear()
      this.#entries.set(addressText(address), versions)
    }
    return versionAt(versions, dot)
  }
}

/**
 * Dots that a dot superseded according to its row, never itself: no peer would accept that, nor anything sent with it.
 */
export function supersededBy(dot: Dot, row: DotRow | undefined): readonly NamedDot[] {
  const supersedes = row?.supersedes ?? []
  return includesDot(supersedes, dot) ? supersedes.filter((other) => !sameDot(other, dot)) : supersedes
}
