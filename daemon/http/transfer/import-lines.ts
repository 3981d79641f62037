/** Lines of an import: the exported form of every type, and the short form. */
import { checkedDocument, checkNumbers, type JsonObject } from '../../../store/documents/json.js'
import { HearsayError } from '../../../store/errors.js'
import { type Address, mapField, noField, register } from '../../../store/model/address.js'
import { repeatedName } from '../../../store/model/json-names.js'
import { nestsTooDeep } from '../../../store/model/json-text.js'
import { jsonDepthMax } from '../../../store/model/limits.js'
import { isMeshType, numberedType } from '../../../store/model/types.js'
import { decodeValue } from '../../views/value-json.js'
import { checkKey, checkPart } from '../paths.js'
import { deadlineOf } from '../query.js'

/** One version of a line. */
export interface ImportedVersion {
  readonly value: Buffer
  readonly expiresAtMs: number | null
}

/** Content of a line, ready to be imported. */
export type ImportedLine =
  /** A register or a field of a map; the shown winner first. */
  | { readonly kind: 'versions'; readonly address: Address; readonly versions: readonly ImportedVersion[] }
  | { readonly kind: 'member'; readonly key: string; readonly member: Buffer }
  | { readonly kind: 'counter'; readonly key: string; readonly value: bigint }
  /** Saved documents, each kept beside what is there. */
  | { readonly kind: 'document'; readonly key: string; readonly versions: readonly ImportedVersion[] }
  /** Of a type that an export holds as it is stored, known here or not. */
  | { readonly kind: 'opaque'; readonly address: Address; readonly versions: readonly ImportedVersion[] }
  | { readonly kind: 'json'; readonly key: string; readonly json: JsonObject }

type Raw = Readonly<Record<string, unknown>>

/**
 * The fields of a version: what is imported, and what an export says of where it came from. Nothing else is taken: a
 * field that is not understood would be lost without a word.
 */
const originFields = ['value', 'encoding', 'dot', 'node', 'time']
const versionFields = [...originFields, 'expires', 'ttl']
const lineFields = ['key', 'type']

/**
 * One line in the exported form `{key, type, …}` or the short form `{key, value, encoding?, expires?, ttl?}`. Throws a
 * HearsayError.
 * @param ttlFromMs the moment from which a `ttl` counts; throws when this node's clock is not to be trusted with one
 */
export function parseLine(line: Buffer, ttlFromMs: () => number): ImportedLine {
  const { raw, text } = parseObject(line)
  const { key, type = 'reg', error } = raw
  if (error !== undefined) throw bad('the exporter could not read this entry; export it again')
  if (typeof key !== 'string') throw bad("the line has no 'key'")
  checkKey(key)
  switch (type) {
    case 'reg':
      return { kind: 'versions', address: register(key), versions: versionsOf(raw, lineFields, ttlFromMs) }
    case 'map': {
      const versions = versionsOf(raw, [...lineFields, 'field'], ttlFromMs)
      return { kind: 'versions', address: fieldAddress(key, raw.field), versions }
    }
    case 'set':
      checkFields(raw, [...lineFields, 'member', 'versions'])
      checkOrigins(raw.versions ?? [])
      return { kind: 'member', key, member: checkPart(partOf(raw.member, 'member'), 'member') }
    case 'ctr':
      checkFields(raw, [...lineFields, 'value'])
      return { kind: 'counter', key, value: counterOf(raw.value) }
    case 'doc':
      if (raw.versions !== undefined) {
        return { kind: 'document', key, versions: versionsOf(raw, [...lineFields, 'document'], ttlFromMs) }
      }
      checkFields(raw, [...lineFields, 'document'])
      return { kind: 'json', key, json: documentOf(raw, text) }
    default:
      return { kind: 'opaque', ...opaqueOf(key, type, raw, ttlFromMs) }
  }
}

function checkFields(raw: Raw, known: readonly string[]): void {
  const unknown = Object.keys(raw).find((name) => !known.includes(name))
  if (unknown !== undefined) throw bad(`the field '${unknown}' is not known here; known are ${known.join(', ')}`)
}

function documentOf({ document }: Raw, text: string): JsonObject {
  checkNumbers(text, 'document')
  return checkedDocument(document)
}

/** Made once: making one takes longer than a line. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

function parseObject(line: Buffer): { readonly raw: Raw; readonly text: string } {
  if (nestsTooDeep(line)) throw bad(`the line nests deeper than ${jsonDepthMax} levels`)
  let text: string
  let parsed: unknown
  try {
    text = utf8.decode(line)
    parsed = JSON.parse(text)
  } catch {
    throw bad('the line is not JSON in UTF-8')
  }
  if (!isObject(parsed)) throw bad('the line is not a JSON object')
  const name = repeatedName(text)
  if (name !== undefined)
    throw bad(`the name '${name}' stands twice in one object, and only one of the two could be kept`)
  return { raw: parsed, text }
}

function isObject(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The versions of a member of a set say where it came from, and no more. */
function checkOrigins(versions: unknown): void {
  if (!Array.isArray(versions) || !versions.every(isObject)) throw bad("'versions' is not a list of JSON objects")
  for (const version of versions) checkFields(version, originFields)
}

/** The versions of a line, or the one that it is itself. `others`: the fields that the line has beside them. */
function versionsOf(raw: Raw, others: readonly string[], ttlFromMs: () => number): ImportedVersion[] {
  const { versions } = raw
  if (versions === undefined) {
    checkFields(raw, [...others, ...versionFields])
    return [parseVersion(raw, ttlFromMs)]
  }
  checkFields(raw, [...others, 'versions'])
  if (!Array.isArray(versions) || versions.length === 0) throw bad("'versions' is not a list with at least one version")
  return versions.map((version: unknown) => {
    if (!isObject(version)) throw bad('a version is not a JSON object')
    checkFields(version, versionFields)
    return parseVersion(version, ttlFromMs)
  })
}

function parseVersion({ value, encoding = 'utf8', expires, ttl }: Raw, ttlFromMs: () => number): ImportedVersion {
  if (typeof value !== 'string') throw bad("a version has no 'value' that is a text")
  if (encoding !== 'utf8' && encoding !== 'base64') throw bad("'encoding' is neither utf8 nor base64")
  return { value: decodeValue(value, encoding), expiresAtMs: deadline(expires ?? null, ttl ?? null, ttlFromMs) }
}

/** Time at which a version expires, in milliseconds since 1970; null: never. */
function deadline(expires: unknown, ttl: unknown, ttlFromMs: () => number): number | null {
  if (expires !== null && ttl !== null) throw bad("a version has 'expires' or 'ttl', not both")
  if (ttl !== null) {
    if (typeof ttl !== 'string') throw bad('\'ttl\' is not a duration as a text, such as "30s"')
    return deadlineOf(ttl, ttlFromMs())
  }
  const expiresAtMs = expires === null ? null : typeof expires === 'string' ? Date.parse(expires) : Number.NaN
  if (Number.isNaN(expiresAtMs)) throw bad("'expires' is not a time in ISO 8601")
  return expiresAtMs
}

function fieldAddress(key: string, field: unknown): Address {
  const bytes = checkPart(partOf(field, 'field'), 'field')
  return typeof field === 'string' ? mapField(key, field) : { key, type: 'map', field: bytes }
}

/** A member or a field: text, or with its encoding. */
function partOf(part: unknown, what: string): Buffer {
  if (typeof part === 'string') return decodeValue(part)
  if (!isObject(part) || typeof part.value !== 'string') throw bad(`the line has no '${what}'`)
  checkFields(part, ['value', 'encoding'])
  const { value, encoding = 'utf8' } = part
  if (encoding !== 'utf8' && encoding !== 'base64') throw bad("'encoding' is neither utf8 nor base64")
  return decodeValue(value, encoding)
}

/** Address and versions of a line whose type is named by its number. */
function opaqueOf(key: string, named: unknown, raw: Raw, ttlFromMs: () => number) {
  const type = typeof named === 'string' ? numberedType(named) : undefined
  if (type === undefined) throw bad(`the type '${String(named)}' cannot be imported by this version`)
  if (isMeshType(type)) throw bad(`the type '${String(named)}' holds records of a mesh, which are not imported`)
  const field = raw.field === undefined ? noField : checkPart(partOf(raw.field, 'field'), 'field')
  return { address: { key, type, field }, versions: versionsOf(raw, [...lineFields, 'field'], ttlFromMs) }
}

function counterOf(value: unknown): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  if (typeof value === 'string' && /^-?\d{1,40}$/.test(value)) return BigInt(value)
  throw bad("a counter's 'value' is not a whole number")
}

function bad(message: string): HearsayError {
  return new HearsayError('BAD_REQUEST', message)
}
