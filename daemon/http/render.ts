/** Turns what the daemon knows into the JSON of the API. */
import type { Conflict } from '../../protocols/api/conflicts.js'
import type { ListItem, Versions } from '../../protocols/api/kv.js'
import type { Member } from '../../protocols/api/mesh.js'
import type { Version } from '../../protocols/api/parts.js'
import type { MemberStatus } from '../../protocols/membership/types.js'
import type { ConflictItem, Shown, ShownVersion, ListItem as StoredItem, Written } from '../../store/data/types.js'
import { dotText } from '../../store/model/dot.js'
import type { Mesh } from '../views/mesh-view.js'
import { encodeValue, isoTime } from '../views/value-json.js'

/** One version. */
export function versionJson(version: ShownVersion, mesh: Mesh): Version {
  return {
    dot: dotText(version.dot),
    node: mesh.nameOf(version.member),
    time: isoTime(version.time.ms),
    expires: isoTime(version.expiresAtMs),
    ...encodeValue(version.value),
  }
}

/** All versions of a key, the winner first. */
export function shownJson(shown: Shown, mesh: Mesh): Versions {
  const versions = shown.versions.map((version) => versionJson(version, mesh))
  return { key: shown.key, context: shown.context, versions }
}

/** The answer to a write. */
export function writtenJson(key: string, written: Written) {
  return { key, dot: dotText(written.dot), context: written.context }
}

/** One item of a listing. */
export function listItemJson(item: StoredItem): ListItem {
  const { key, types, siblings, value } = item
  return { key, types, siblings, ...(value === undefined ? {} : encodeValue(value)) }
}

/** One conflict. */
export function conflictJson(item: ConflictItem, mesh: Mesh): Conflict {
  const versions = item.versions.map((version) => ({ ...versionJson(version, mesh), size: version.value.length }))
  return { key: item.key, type: item.type, field: encodeValue(item.field).value, context: item.context, versions }
}

/** One member. */
export function memberJson(member: MemberStatus): Member {
  const { lastSeenMs, lastEqualMs, hints, ...rest } = member
  return {
    ...rest,
    lastSeen: isoTime(lastSeenMs),
    lastEqual: isoTime(lastEqualMs),
    hints: { updates: hints.updates, bytes: hints.bytes, since: isoTime(hints.sinceMs) },
  }
}
