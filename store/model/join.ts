/**
 * Apply and join: how an update and how another copy change the versions at one address. Source: delta-state CRDTs with
 * causal contexts (Almeida et al. 2018), decomposed onto addresses as in bigset (Brown et al. 2016).
 */
import type { Address } from './address.js'
import type { Context } from './context.js'
import { valueHash, versionDigest } from './digest.js'
import { compareDots, type Dot, finderOf, matcherOf, type NamedDot, sameDot } from './dot.js'
import type { Update, Version } from './update.js'

/** Effect of an update or of another copy on the versions at one address. */
export interface Change {
  /** The live versions afterwards, sorted by dot. */
  readonly versions: readonly Version[]
  readonly added: readonly Version[]
  readonly dropped: readonly Version[]
}

/**
 * The version that an update stores; null for deletes and for puts that travel without their bytes. `hashed`: the hash
 * of its value, where it is known already.
 */
export function versionOf(update: Update, hashed?: Uint8Array | null): Version | null {
  if (update.kind !== 'put' || update.value === null) return null
  const { dot, time, expiresAtMs, value } = update
  return { dot, time, expiresAtMs, value, valueHash: hashed ?? valueHash(value) }
}

/**
 * The versions at an address after an update: its own is added unless its dot was seen before, and every superseded one
 * goes. `seen` is the context before the update; the caller adds the update's dot and its superseded dots to seen, and
 * the dot alone to applied. A dot that names another content than the one that is live here supersedes nothing.
 * `hashed`: the hash of the update's value, where it is known already.
 */
export function applyUpdate(
  versions: readonly Version[],
  update: Update,
  seen: Context,
  hashed?: Uint8Array | null,
): Change {
  const version = versionOf(update, hashed)
  const isLive = versionAt(versions, update.dot) !== undefined
  const added = version !== null && !isLive && !seen.has(update.dot) ? [version] : []
  if (update.supersedes.length === 0) return change(versions, added, undefined)
  const namedAt = finderOf(update.supersedes, (dot) => dot)
  return change(versions, added, (mine) => {
    const named = namedAt(mine.dot)
    return named !== undefined && means(named, mine, update.address)
  })
}

/** True if a named dot means this version: the digests are equal, or the name has none. */
function means({ digest }: NamedDot, version: Version, address: Address): boolean {
  return digest === undefined || digest === versionDigest(version, address)
}

/**
 * The versions at an address after meeting another copy of it, read by a peer after `peerSeen` was captured. A dot
 * stays if both have it, or if it is ours and the peer had not seen it; theirs is taken if we have not seen it.
 * `theirs` lists every live dot of the peer's copy; a value may be left out (null) where the peer knew that we have
 * seen the dot. `mySeen` is our context now, not at the start of the session. `stays`: versions of ours of which the
 * peer's copy says nothing.
 */
export function joinVersions(
  mine: readonly Version[],
  theirs: readonly Update[],
  mySeen: Context,
  peerSeen: Context,
  stays: (mine: Version) => boolean = () => false,
): Change {
  const added: Version[] = []
  const theirsAt = finderOf(theirs)
  for (const update of theirs) {
    const version = versionOf(update)
    if (version === null) continue
    const isLive = versionAt(mine, version.dot) !== undefined
    if (!isLive && !mySeen.has(version.dot)) added.push(version)
  }
  const isRemoved = (version: Version) =>
    peerSeen.has(version.dot) && theirsAt(version.dot) === undefined && !stays(version)
  return change(mine, added, isRemoved)
}

/**
 * The versions at an address that a peer's copy says nothing of: those whose dot has another content there (`clashes`),
 * and those that the peer was not shown, or with another content (`shown`; without it, it was shown all): they came
 * since, and it may hold them by now.
 */
export function staysAt(
  address: Address,
  { clashes = [], shown }: { readonly clashes?: readonly Dot[]; readonly shown?: readonly NamedDot[] },
): (mine: Version) => boolean {
  const isClash = matcherOf(clashes)
  const shownAt = shown && finderOf(shown, (dot) => dot)
  return (version) => {
    if (isClash(version.dot)) return true
    const named = shownAt?.(version.dot)
    return shownAt !== undefined && (named === undefined || !means(named, version, address))
  }
}

function change(
  mine: readonly Version[],
  added: readonly Version[],
  goes: ((version: Version) => boolean) | undefined,
): Change {
  const dropped = goes === undefined ? [] : mine.filter(goes)
  if (added.length === 0 && dropped.length === 0) return { versions: mine, added, dropped }
  const kept = dropped.length === 0 ? mine.slice() : withoutDropped(mine, dropped)
  return { versions: withAdded(kept, added), added, dropped }
}

function withoutDropped(mine: readonly Version[], dropped: readonly Version[]): Version[] {
  const gone = new Set(dropped)
  return mine.filter((version) => !gone.has(version))
}

/** Takes over `kept`, which is sorted. One more version, by far the usual case, is put in its place. */
function withAdded(kept: Version[], added: readonly Version[]): readonly Version[] {
  if (kept.length === 0 && added.length === 1) return added
  if (added.length !== 1) return [...kept, ...added].sort((a, b) => compareDots(a.dot, b.dot))
  kept.splice(placeOf(kept, added[0]!.dot), 0, added[0]!)
  return kept
}

/** The version with this dot among versions sorted by dot; undefined when there is none. */
export function versionAt(versions: readonly Version[], dot: Dot): Version | undefined {
  const found = versions[placeOf(versions, dot)]
  return found !== undefined && sameDot(found.dot, dot) ? found : undefined
}

/** The place of the first version that does not come before a dot. */
function placeOf(versions: readonly Version[], dot: Dot): number {
  let low = 0
  let high = versions.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareDots(versions[middle]!.dot, dot) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** A version as the update that stored it, for an address; what it superseded must be given where it is known. */
export function updateOf(version: Version, address: Update['address'], supersedes: Update['supersedes'] = []): Update {
  const { dot, time, expiresAtMs, value } = version
  return { dot, address, kind: 'put', time, expiresAtMs, value, supersedes }
}
