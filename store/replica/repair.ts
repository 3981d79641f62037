/**
 * Repair after damage was found: what is lost leaves the contexts, so that peers send it again; nothing is taken for
 * deleted.
 */
import type { Contexts } from '../model/codec.js'
import { type Dot, dotText, sameDot } from '../model/dot.js'
import type { Version } from '../model/update.js'
import { type DotRow, decodeDotRow, dotKey } from '../rows/dots.js'
import { decodeVersions, encodeVersions, entryAddress, entryKey } from '../rows/entries.js'
import { isDamage } from '../rows/seal.js'
import type { Batch } from './batch.js'
import { indexRow } from './dot-rows.js'
import type { Ledger } from './ledger.js'
import type { Damage } from './verify.js'

/**
 * True if a row that could not be read under the snapshot was written since. A write that was under way when the damage
 * came has read the rows while they were whole, and writes over the damage: then the snapshot shows neither what is
 * lost nor what is to be counted, and a new one is needed.
 */
export function isOvertaken(batch: Batch, { damagedEntryKeys, damagedDots, lost }: Damage): boolean {
  return (
    damagedEntryKeys.some((key) => isReadable(() => versionsOf(batch, key))) ||
    damagedDots.some((dot) =>
      isReadable(
        () => dotRowOf(batch, dot),
        (row) => row !== undefined,
      ),
    ) ||
    lost.some(({ dot, address }) =>
      isReadable(
        () => versionsOf(batch, entryKey(address)),
        (versions) => versions.some((one) => sameDot(one.dot, dot)),
      ),
    )
  )
}

/** True if a row can be read, and `isWanted` accepts it. */
function isReadable<T>(read: () => T, isWanted: (row: T) => boolean = () => true): boolean {
  try {
    return isWanted(read())
  } catch (error) {
    if (isDamage(error)) return false
    throw error
  }
}

function versionsOf(batch: Batch, key: Uint8Array): Version[] {
  const row = batch.get(key)
  return row === undefined ? [] : decodeVersions(key, row)
}

function dotRowOf(batch: Batch, dot: Dot): DotRow | undefined {
  const key = dotKey(dot)
  const row = batch.get(key)
  return row && decodeDotRow(key, row)
}

/**
 * Mends rows, contexts and counts in one write. `known`: the contexts in memory when the damaged rows were read; what
 * is beyond them came since. Returns a sentence for the operator.
 */
export function repair(batch: Batch, ledger: Ledger, damage: Damage, known: Contexts): string {
  dropUnreadableEntries(batch, damage)
  const { lost, rebuilt } = damage
  for (const { address } of lost) dropUnreadable(batch, entryKey(address))
  for (const { dot, address } of lost) {
    ledger.dots.write(batch, dot, null)
    ledger.entries.markLost(batch, address)
  }
  for (const dot of unreadableLogged(damage)) ledger.dots.write(batch, dot, null)
  const reindexed = reindex(batch, ledger, damage)
  if (rebuilt === undefined)
    ledger.forgetDots(
      batch,
      lost.map(({ dot }) => dot),
    )
  else {
    ledger.replaceContexts(batch, withNews(ledger, damage, rebuilt, known))
    ledger.keepDigests(batch, rebuilt.named)
  }
  recount(batch, ledger, damage)
  // What the feed says of the time before may have holes: readers from then get an error.
  ledger.feed.raiseFloor(ledger.feed.state.sequence)
  const found = `${damage.damagedEntryKeys.length} unreadable entries, ${lost.length} lost versions, ${reindexed} index rows`
  return rebuilt === undefined
    ? `damage on the disk was found and located (${found}); what is missing is fetched again from peers`
    : `damage on the disk was found that could not be located (${found}); contexts were rebuilt from what is readable, and deletes known only here may show again`
}

function dropUnreadableEntries(batch: Batch, damage: Damage): void {
  for (const key of damage.damagedEntryKeys) {
    if (!dropUnreadable(batch, key)) continue
    try {
      // Which versions stood there is not known any more; that there were some is.
      batch.set(key, encodeVersions(key, entryAddress(key) && []))
    } catch {
      // Its key cannot be read either: nobody can ask for it.
    }
  }
}

/** Deletes a row that cannot be read, so that a new one may take its place. Returns whether it did. */
function dropUnreadable(batch: Batch, key: Uint8Array): boolean {
  if (isReadable(() => versionsOf(batch, key))) return false
  batch.set(key, null)
  return true
}

/**
 * Dots whose own row cannot be read and that no entry shows. Where the damage is located the counts account for every
 * live version, so these were not live: a delete, or a put that was superseded. Only the log has lost something. Their
 * fate is known, and they stay in the contexts: whoever forgot them here would take an old copy of what was deleted for
 * something new, with nobody left to say otherwise.
 */
function unreadableLogged({ damagedDots, unindexed }: Damage): Dot[] {
  const readable = new Set(unindexed.map(({ version }) => dotText(version.dot)))
  return damagedDots.filter((dot) => !readable.has(dotText(dot)))
}

/** Live versions without an index row get one; what they superseded is not known any more. */
function reindex(batch: Batch, ledger: Ledger, damage: Damage): number {
  let count = 0
  for (const { version, address } of damage.unindexed) {
    if (!ledger.versions(batch, address).some((other) => sameDot(other.dot, version.dot))) continue
    ledger.dots.write(batch, version.dot, indexRow(version, address))
    count++
  }
  return count
}

/**
 * Contexts after a repair: the believable ones, and all dots that came since the snapshot. The dots of context rows
 * that could not be read are not among those: a running node still has them in memory, and would take for deleted what
 * is lost.
 */
function withNews(ledger: Ledger, damage: Damage, believed: Contexts, known: Contexts): Contexts {
  const before = damage.survey.contexts
  const seen = believed.seen.clone()
  const applied = believed.applied.clone()
  seen.union(ledger.seen.minus(before.seen).minus(known.seen))
  applied.union(ledger.applied.minus(before.applied).minus(known.applied))
  return { seen, applied }
}

/** The counts of the snapshot as they really were, moved by what was written since. */
function recount(batch: Batch, ledger: Ledger, damage: Damage): void {
  const { entries, state } = damage.survey
  const now = ledger.state
  const then = state ?? now
  ledger.entries.resetCounts(batch, {
    liveDots: entries.liveDots + now.liveDots - then.liveDots,
    userEntries: entries.userEntries + now.userEntries - then.userEntries,
    checksum: {
      low: (entries.checksum.low + now.checksum.low - then.checksum.low) >>> 0,
      high: (entries.checksum.high + now.checksum.high - then.checksum.high) >>> 0,
    },
  })
}
