/** Repair after damage was found: what is lost leaves the contexts, so that peers send it again; nothing is taken for deleted. */
import { decodeVersions, encodeVersions, entryAddress, entryKey, isDamage } from '../keyspace.js'
import type { Address } from '../model/address.js'
import type { Contexts } from '../model/codec.js'
import { type Dot, dotText, sameDot } from '../model/dot.js'
import type { Batch } from './batch.js'
import { indexRow } from './dot-rows.js'
import type { Ledger } from './ledger.js'
import type { Damage } from './verify.js'

/**
 * Mends rows, contexts and counts in one write. `known`: the contexts in memory when the damaged rows were read; what is beyond them came
 * since. Returns a sentence for the operator.
 */
export function repair(batch: Batch, ledger: Ledger, damage: Damage, known: Contexts): string {
  dropUnreadableEntries(batch, damage)
  for (const { address } of damage.lost) dropUnreadable(batch, entryKey(address))
  const lost = stillLost(batch, ledger, damage)
  for (const { dot, address } of lost) {
    ledger.dots.write(batch, dot, null)
    ledger.entries.markLost(batch, address)
  }
  for (const dot of unreadableLogged(damage)) ledger.dots.write(batch, dot, null)
  const reindexed = reindex(batch, ledger, damage)
  const { rebuilt } = damage
  if (rebuilt === undefined)
    ledger.forgetDots(
      batch,
      lost.map(({ dot }) => dot),
    )
  else ledger.replaceContexts(batch, withNews(ledger, damage, rebuilt, known))
  recount(batch, ledger, damage)
  // What the feed says of the time before may have holes: readers from then are told so.
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
  try {
    const row = batch.get(key)
    if (row !== undefined) decodeVersions(key, row)
    return false
  } catch (error) {
    if (!isDamage(error)) throw error
    batch.set(key, null)
    return true
  }
}

/** Dots that the index calls live and that no entry holds, looked at again inside the write. */
function stillLost(batch: Batch, ledger: Ledger, damage: Damage): { dot: Dot; address: Address }[] {
  return damage.lost.filter(
    ({ dot, address }) => !ledger.versions(batch, address).some((version) => sameDot(version.dot, dot)),
  )
}

/**
 * Dots whose own row cannot be read and that no entry shows. Where the damage is located the counts account for every live version, so these
 * were not live: a delete, or a put that was superseded. Only the log has lost something. Their fate is known, and they stay in the contexts:
 * whoever forgot them here would take an old copy of what was deleted for something new, with nobody left to say otherwise.
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
 * What may be believed of the past, and everything that came since it was read. Context rows that could not be read do not make the past
 * of their actors news: a running node still has it in memory, and would take for deleted what is lost.
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
