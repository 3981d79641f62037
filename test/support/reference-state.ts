/** The reference that the laws of apply and join are stated on. */
import { addressText } from '../../store/model/address.js'
import type { Contexts } from '../../store/model/codec.js'
import { Context } from '../../store/model/context.js'
import { sameDot } from '../../store/model/dot.js'
import { applyUpdate, joinVersions, updateOf } from '../../store/model/join.js'
import type { Entry, Update, Version } from '../../store/model/update.js'

/** A whole copy of the store, in memory, that tests compare real stores with. */
export class ReferenceState implements Contexts {
  readonly entries = new Map<string, Entry>()
  readonly seen = new Context()
  readonly applied = new Context()

  /** Applies one update. */
  apply(update: Update): void {
    const change = applyUpdate(this.#versionsAt(addressText(update.address)), update, this.seen)
    this.#store({ address: update.address, versions: change.versions })
    this.seen.add(update.dot)
    for (const dot of update.supersedes) this.seen.add(dot)
    this.applied.add(update.dot)
  }

  /** Joins a whole copy, taken together with its contexts. */
  join(other: ReferenceState): void {
    for (const key of new Set([...this.entries.keys(), ...other.entries.keys()])) {
      const address = (this.entries.get(key) ?? other.entries.get(key))!.address
      const theirs = other.#versionsAt(key).map((version) => updateOf(version, address))
      this.#store({
        address,
        versions: joinVersions(this.#versionsAt(key), theirs, this.seen, other.seen).versions,
      })
    }
    this.seen.union(other.seen)
    this.applied.union(other.applied)
  }

  /** An independent copy. */
  clone(): ReferenceState {
    const copy = new ReferenceState()
    for (const [key, entry] of this.entries) copy.entries.set(key, entry)
    copy.seen.union(this.seen)
    copy.applied.union(this.applied)
    return copy
  }

  /** True if both hold the same live entries and contexts. */
  equals(other: ReferenceState): boolean {
    return this.sameEntries(other) && this.seen.equals(other.seen) && this.applied.equals(other.applied)
  }

  /** True if both hold the same live entries. */
  sameEntries(other: ReferenceState): boolean {
    if (this.entries.size !== other.entries.size) return false
    for (const [key, entry] of this.entries) {
      const theirs = other.#versionsAt(key)
      if (theirs.length !== entry.versions.length) return false
      if (
        !entry.versions.every(
          (version, at) => sameDot(version.dot, theirs[at]!.dot) && sameVersion(version, theirs[at]!),
        )
      )
        return false
    }
    return true
  }

  #versionsAt(key: string): readonly Version[] {
    return this.entries.get(key)?.versions ?? []
  }

  #store(entry: Entry): void {
    const key = addressText(entry.address)
    if (entry.versions.length === 0) this.entries.delete(key)
    else this.entries.set(key, entry)
  }
}

/** True if two versions hold the same bytes, deadline and time. */
function sameVersion(a: Version, b: Version): boolean {
  return (
    a.expiresAtMs === b.expiresAtMs &&
    a.time.ms === b.time.ms &&
    a.time.logical === b.time.logical &&
    Buffer.compare(a.valueHash, b.valueHash) === 0
  )
}
