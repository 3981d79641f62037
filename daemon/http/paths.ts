/**
 * Keys in paths: one percent-encoded segment, decoded here and nowhere else, so that dots, slashes and
 * encodings mean what the client meant. The router sees a fixed path in place of the segment.
 */
import { HearsayError } from '../../store/errors.js'
import { keyBytesMax } from '../../store/model/limits.js'

/** Routes whose last segment is text of the user, and the path that the router knows them by. */
const keyedRoutes = ['kv', 'where', 'conflicts', 'members'].map((name) => ({
  prefix: `/v1/${name}/`,
  pattern: name === 'members' ? '/v1/members/:name' : `/v1/${name}/:key`,
}))

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const plainSegment = /^[A-Za-z0-9_.~!$&'()*+,;=:@-]+$/
const loneSurrogate = /\p{Surrogate}/u
const badPercent = /%(?![0-9A-Fa-f]{2})/

/** The URL that the router is given: the segment of the user replaced by the pattern, the query kept. */
export function routerUrl(url: string): string {
  const route = keyedRoutes.find(({ prefix }) => url.startsWith(prefix))
  if (route === undefined) return url
  const query = url.indexOf('?')
  return query === -1 ? route.pattern : route.pattern + url.slice(query)
}

/** The path of a URL, without its query. */
export function pathOf(url: string): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}

/** The key in a URL as the client sent it. Throws BAD_KEY, or TOO_LARGE for one over the limit. */
export function keyOf(originalUrl: string): string {
  const path = pathOf(originalUrl)
  const segment = path.slice(path.indexOf('/', '/v1/'.length) + 1)
  const key = decodeSegment(segment)
  const bytes = Buffer.byteLength(key)
  if (bytes > keyBytesMax) {
    throw new HearsayError('TOO_LARGE', `the key has ${bytes} bytes; a key has at most ${keyBytesMax}`)
  }
  return key
}

function decodeSegment(segment: string): string {
  if (segment.length === 0) throw badKey('the key is empty; a key has 1 to 1024 bytes')
  if (plainSegment.test(segment)) return segment
  if (segment.includes('/')) throw badKey("a key is one segment of the path; write '/' as %2F")
  if (segment.includes('#')) throw badKey("write '#' in a key as %23")
  if (badPercent.test(segment))
    throw badKey("a '%' in the key is not followed by two hexadecimal digits; write it as %25")
  try {
    return decoder.decode(percentDecoded(segment))
  } catch {
    throw badKey('the key is not UTF-8; percent-encode its UTF-8 bytes')
  }
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

/** A key that came in JSON or a query, checked like one in a path. Throws BAD_KEY or TOO_LARGE. */
export function checkKey(key: string): string {
  if (key.length === 0) throw badKey('the key is empty; a key has 1 to 1024 bytes')
  if (loneSurrogate.test(key)) throw badKey('the key is not well-formed Unicode')
  const bytes = Buffer.byteLength(key)
  if (bytes <= keyBytesMax) return key
  throw new HearsayError('TOO_LARGE', `the key has ${bytes} bytes; a key has at most ${keyBytesMax}`)
}
