/** Lines of an import: the exported form of every type, and the short form. */
import { checkedDocument, type JsonObject } from '../../../store/documents/json.js'
import { HearsayError } from '../../../store/errors.js'
import { type Address, mapField, register } from '../../../store/model/address.js'
import { decodeValue } from '../../views/value-json.js'
import { checkKey, checkPart } from '../paths.js'

/** One version of a line. */
export interface ImportedVersion {
  readonly value: Buffer
  readonly expiresAtMs: number | null
}

/** What a line asks for. */
export type ImportedLine =
  /** A register or a field of a map; the shown winner first. */
  | { readonly kind: 'versions'; readonly address: Address; readonly versions: readonly ImportedVersion[] }
  | { readonly kind: 'member'; readonly key: string; readonly member: Buffer }
  | { readonly kind: 'counter'; readonly key: string; readonly value: bigint }
  /** Saved documents, each kept beside what is there. */
  | { readonly kind: 'document'; readonly key: string; readonly versions: readonly ImportedVersion[] }
  | { readonly kind: 'json'; readonly key: string; readonly json: JsonObject }

type Raw = Readonly<Record<string, unknown>>

/** One line in the exported form `{key, type, …}` or the short form `{key, value, encoding}`. Throws a HearsayError. */
export function parseLine(line: Buffer): ImportedLine {
  const raw = parseObject(line)
  const { key, type = 'reg', error } = raw
  if (error !== undefined) throw bad('the exporter could not read this entry; export it again')
  if (typeof key !== 'string') throw bad("the line has no 'key'")
  checkKey(key)
  switch (type) {
    case 'reg':
      return { kind: 'versions', address: register(key), versions: versionsOf(raw) }
    case 'map':
      return { kind: 'versions', address: fieldAddress(key, raw.field), versions: versionsOf(raw) }
    case 'set':
      return { kind: 'member', key, member: checkPart(partOf(raw.member, 'member'), 'member') }
    case 'ctr':
      return { kind: 'counter', key, value: counterOf(raw.value) }
    case 'doc':
      return raw.versions === undefined
        ? { kind: 'json', key, json: checkedDocument(raw.document) }
        : { kind: 'document', key, versions: versionsOf(raw) }
    default:
      throw bad(`the type '${String(type)}' cannot be imported by this version`)
  }
}

function parseObject(line: Buffer): Raw {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line))
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Raw
  } catch {
    // Answered below, like JSON of another form.
  }
  throw bad('the line is not a JSON object')
}

function versionsOf(raw: Raw): ImportedVersion[] {
  const versions = raw.versions === undefined ? [raw] : raw.versions
  if (!Array.isArray(versions) || versions.length === 0) throw bad("'versions' is not a list with at least one version")
  return versions.map(parseVersion)
}

function parseVersion(raw: unknown): ImportedVersion {
  const { value, encoding = 'utf8', expires } = (raw ?? {}) as Raw
  if (typeof value !== 'string') throw bad("a version has no 'value' that is a text")
  if (encoding !== 'utf8' && encoding !== 'base64') throw bad("'encoding' is neither utf8 nor base64")
  const expiresAtMs = expires === undefined || expires === null ? null : Date.parse(String(expires))
  if (Number.isNaN(expiresAtMs)) throw bad("'expires' is not a time in ISO 8601")
  return { value: decodeValue(value, encoding), expiresAtMs }
}

function fieldAddress(key: string, field: unknown): Address {
  const bytes = checkPart(partOf(field, 'field'), 'field')
  return typeof field === 'string' ? mapField(key, field) : { key, type: 'map', field: bytes }
}

/** A member or a field: text, or with its encoding. */
function partOf(part: unknown, what: string): Buffer {
  if (typeof part === 'string') return decodeValue(part)
  const { value, encoding } = (part ?? {}) as Raw
  if (typeof value === 'string' && encoding === 'base64') return decodeValue(value, 'base64')
  throw bad(`the line has no '${what}'`)
}

function counterOf(value: unknown): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  if (typeof value === 'string' && /^-?\d{1,40}$/.test(value)) return BigInt(value)
  throw bad("a counter's 'value' is not a whole number")
}

function bad(message: string): HearsayError {
  return new HearsayError('BAD_REQUEST', message)
}
