/** Turns what the daemon knows into the JSON of the API, and values of the API into bytes. */
import { isUtf8 } from 'node:buffer'
import { HearsayError } from '../../store/errors.js'
import { dotText } from '../../store/model/dot.js'
import type { ConflictItem, ListItem, MemberStatus, Mesh, Shown, ShownVersion, Written } from '../services.js'

/** A value in JSON. */
export interface EncodedValue {
  readonly value: string
  readonly encoding: 'utf8' | 'base64'
}

/** The bytes as a Buffer, not copied. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A value for JSON: as text when it is valid UTF-8. */
export function encodeValue(bytes: Uint8Array): EncodedValue {
  const encoding = isUtf8(bytes) ? 'utf8' : 'base64'
  return { value: asBuffer(bytes).toString(encoding), encoding }
}

/** The bytes of a value in JSON. Throws BAD_REQUEST when the text does not fit its encoding. */
export function decodeValue(value: string, encoding: 'utf8' | 'base64' = 'utf8'): Buffer {
  const bytes = Buffer.from(value, encoding)
  if (encoding === 'utf8' ? !/\p{Surrogate}/u.test(value) : bytes.toString('base64') === padded(value)) return bytes
  throw new HearsayError('BAD_REQUEST', `the value is not ${encoding === 'utf8' ? 'well-formed text' : 'base64'}`)
}

function padded(base64: string): string {
  return base64.replace(/=+$/, '').padEnd(Math.ceil(base64.replace(/=+$/, '').length / 4) * 4, '=')
}

/** Milliseconds since 1970 in ISO 8601 with milliseconds; null stays null. */
export function isoTime(ms: number): string
export function isoTime(ms: number | null): string | null
export function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}

/** One version. */
export function versionJson(version: ShownVersion, mesh: Mesh) {
  return {
    dot: dotText(version.dot),
    node: mesh.nameOf(version.member),
    time: isoTime(version.time.ms),
    expires: isoTime(version.expiresAtMs),
    ...encodeValue(version.value),
  }
}

/** All versions of a key, the winner first. */
export function shownJson(shown: Shown, mesh: Mesh) {
  const versions = shown.versions.map((version) => versionJson(version, mesh))
  return { key: shown.key, context: shown.context, versions }
}

/** The answer to a write. */
export function writtenJson(key: string, written: Written) {
  return { key, dot: dotText(written.dot), context: written.context }
}

/** One item of a listing. */
export function listItemJson(item: ListItem) {
  const { key, types, siblings, value } = item
  return { key, types, siblings, ...(value === undefined ? {} : encodeValue(value)) }
}

/** One conflict. */
export function conflictJson(item: ConflictItem, mesh: Mesh) {
  const versions = item.versions.map((version) => ({ ...versionJson(version, mesh), size: version.value.length }))
  return { key: item.key, type: item.type, field: encodeValue(item.field).value, context: item.context, versions }
}

/** One member. */
export function memberJson(member: MemberStatus) {
  const { lastSeenMs, lastEqualMs, hints, ...rest } = member
  return {
    ...rest,
    lastSeen: isoTime(lastSeenMs),
    lastEqual: isoTime(lastEqualMs),
    hints: { updates: hints.updates, bytes: hints.bytes, since: isoTime(hints.sinceMs) },
  }
}
