/**
 * Keys in paths, and members and fields behind them: one percent-encoded segment each, decoded here and nowhere else,
 * so that dots, slashes and encodings mean what the client meant. The router sees a fixed path in place of the
 * segments.
 */
import { partsOf, routes } from '../../protocols/api/routes.js'
import { HearsayError } from '../../store/errors.js'
import { fieldBytesMax, keyBytesMax } from '../../store/model/limits.js'

interface KeyedRoute {
  /** Part of the path before the segments of the user. */
  readonly prefix: string
  /** The path that the router knows a single segment by. */
  readonly pattern: string
  /** The same for two segments, where there may be a second one. */
  readonly partPattern?: string
}

/** The path of a route as the router writes it: `:key` for `{key}`. */
export function patternOf(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}

/** Routes of the contract whose last segments are text of the user, by the part before these. */
const keyedRoutes: readonly KeyedRoute[] = keyedRoutesOf(Object.values(routes).map((route) => partsOf(route).path))

function keyedRoutesOf(paths: readonly string[]): KeyedRoute[] {
  const found = new Map<string, KeyedRoute>()
  for (const path of paths.filter((one) => one.includes('{')).sort((a, b) => a.length - b.length)) {
    const prefix = path.slice(0, path.indexOf('{'))
    const shorter = found.get(prefix)
    if (shorter === undefined) found.set(prefix, { prefix, pattern: patternOf(path) })
    else if (shorter.pattern !== patternOf(path)) found.set(prefix, { ...shorter, partPattern: patternOf(path) })
  }
  return [...found.values()]
}

const routeFor = (url: string) => keyedRoutes.find(({ prefix }) => url.startsWith(prefix))

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const plainSegment = /^[A-Za-z0-9_.~!$&'()*+,;=:@-]+$/
const encodedSegment = /^(?:[A-Za-z0-9_.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+$/
const loneSurrogate = /\p{Surrogate}/u
const badPercent = /%(?![0-9A-Fa-f]{2})/

/** The URL that the router is given: the segments of the user replaced by the pattern, the query kept. */
export function routerUrl(url: string): string {
  const route = routeFor(url)
  if (route === undefined) return url
  const query = url.indexOf('?')
  const hasPart = route.partPattern !== undefined && pathOfUrl(url).indexOf('/', route.prefix.length) !== -1
  const pattern = hasPart ? route.partPattern! : route.pattern
  return query === -1 ? pattern : pattern + url.slice(query)
}

/** The path of a URL, without its query. */
export function pathOfUrl(url: string): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}

/** The key in a URL as the client sent it. Throws BAD_KEY, or TOO_LARGE for one over the limit. */
export function keyOf(originalUrl: string): string {
  const [segment] = segmentsOf(originalUrl)
  const key = decodeText(segment, 'key')
  const bytes = Buffer.byteLength(key)
  if (bytes > keyBytesMax) {
    throw new HearsayError('TOO_LARGE', `the key has ${bytes} bytes; a key has at most ${keyBytesMax}`)
  }
  return key
}

/** The bytes of a set's member in a URL: any bytes, percent-encoded. Throws BAD_KEY or TOO_LARGE. */
export function memberOfPath(originalUrl: string): Buffer {
  const [, segment = ''] = segmentsOf(originalUrl)
  checkSegment(segment, 'member')
  return checkPart(Buffer.from(percentDecoded(segment)), 'member')
}

/** The field of a map in a URL. Throws BAD_KEY or TOO_LARGE. */
export function fieldOf(originalUrl: string): string {
  const [, segment = ''] = segmentsOf(originalUrl)
  const field = decodeText(segment, 'field')
  checkPart(Buffer.from(field), 'field')
  return field
}

/** Looks at the texts of the user in a URL, as the path of its route names them. Throws BAD_KEY or TOO_LARGE. */
export function checkSegments(path: string, originalUrl: string): void {
  keyOf(originalUrl)
  if (path.includes('{member}')) memberOfPath(originalUrl)
  if (path.includes('{field}')) fieldOf(originalUrl)
}

/** A member or a field that came in JSON. Throws BAD_KEY or TOO_LARGE. */
export function checkPart(bytes: Buffer, what: 'member' | 'field'): Buffer {
  if (bytes.length === 0) throw badKey(`the ${what} is empty; a ${what} has 1 to ${fieldBytesMax} bytes`)
  if (bytes.length <= fieldBytesMax) return bytes
  throw new HearsayError('TOO_LARGE', `the ${what} has ${bytes.length} bytes; a ${what} has at most ${fieldBytesMax}`)
}

/** Segments of the user in a URL, still encoded: one, or two where the route has a second one. */
function segmentsOf(originalUrl: string): [string, string?] {
  const path = pathOfUrl(originalUrl)
  const route = routeFor(path)
  const start = route === undefined ? path.indexOf('/', '/v1/'.length) + 1 : route.prefix.length
  const slash = route?.partPattern === undefined ? -1 : path.indexOf('/', start)
  return slash === -1 ? [path.slice(start)] : [path.slice(start, slash), path.slice(slash + 1)]
}

function decodeText(segment: string, what: string): string {
  if (plainSegment.test(segment)) return segment
  const isEncoded = encodedSegment.test(segment)
  if (!isEncoded) checkSegment(segment, what)
  try {
    return isEncoded ? decodeURIComponent(segment) : decoder.decode(percentDecoded(segment))
  } catch {
    throw badKey(`the ${what} is not UTF-8; percent-encode its UTF-8 bytes`)
  }
}

function checkSegment(segment: string, what: string): void {
  if (segment.length === 0) throw badKey(`the ${what} is empty; a ${what} has 1 to 1024 bytes`)
  if (segment.includes('/')) throw badKey(`a ${what} is one segment of the path; write '/' as %2F`)
  if (segment.includes('#')) throw badKey(`write '#' in a ${what} as %23`)
  if (badPercent.test(segment))
    throw badKey(`a '%' in the ${what} is not followed by two hexadecimal digits; write it as %25`)
}

/** Node gives the bytes of the request line as Latin-1. */
function percentDecoded(segment: string): Uint8Array {
  const source = Buffer.from(segment, 'latin1')
  const bytes = Buffer.allocUnsafe(source.length)
  let length = 0
  for (let at = 0; at < source.length; at++) {
    const isEscape = source[at] === 0x25
    bytes[length++] = isEscape ? Number.parseInt(source.toString('latin1', at + 1, at + 3), 16) : source[at]!
    if (isEscape) at += 2
  }
  return bytes.subarray(0, length)
}

function badKey(message: string): HearsayError {
  return new HearsayError('BAD_KEY', message)
}

/** The key that a page goes on behind; none, or an empty one, is the beginning. Throws BAD_KEY or TOO_LARGE. */
export function behind(after: string | undefined): string | undefined {
  return after === undefined || after === '' ? undefined : checkKey(after)
}

/** A key that came in JSON or a query, checked like one in a path. Throws BAD_KEY or TOO_LARGE. */
export function checkKey(key: string): string {
  if (key.length === 0) throw badKey('the key is empty; a key has 1 to 1024 bytes')
  if (loneSurrogate.test(key)) throw badKey('the key is not well-formed Unicode')
  const bytes = Buffer.byteLength(key)
  if (bytes <= keyBytesMax) return key
  throw new HearsayError('TOO_LARGE', `the key has ${bytes} bytes; a key has at most ${keyBytesMax}`)
}
