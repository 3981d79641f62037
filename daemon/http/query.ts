/** Queries: read strictly, typed by the route's schema, durations and counts parsed. */
import { timeoutMsMax } from '../../protocols/api/limits.js'
import type { Want } from '../../protocols/membership/types.js'
import { HearsayError } from '../../store/errors.js'
import { formatDuration, parseAcks, parseDuration } from '../config/parse.js'
import { ttlMsMax } from './limits.js'

/** Stands in a parsed query whose text was malformed; the check of the schema turns it into an error. */
const malformed = Symbol('malformed')

/** A parsed query: texts by name; names that occur more than once have a list. */
export interface RawQuery {
  [name: string]: string | string[]
  [malformed]?: string
}

/** The query of a request without one; told by its identity from one that says nothing. */
export const noParameters: RawQuery = Object.freeze(Object.create(null))

/**
 * Splits a query at `&` and `=`, decodes percent escapes and `+`. Never throws: the router calls it where nothing
 * catches.
 */
export function parseQuery(text: string): RawQuery {
  if (text === '') return noParameters
  const query: RawQuery = Object.create(null)
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const split = pair.indexOf('=')
    try {
      const name = decode(split === -1 ? pair : pair.slice(0, split))
      const value = split === -1 ? '' : decode(pair.slice(split + 1))
      const before = query[name]
      query[name] = before === undefined ? value : [before, value].flat()
    } catch {
      query[malformed] = pair
    }
  }
  return query
}

function decode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}

interface ObjectSchema {
  readonly properties?: Record<string, { readonly type?: string }>
}

/** The query with numbers and switches as such, where the schema says so. Throws BAD_REQUEST when it was malformed. */
export function typedQuery(query: RawQuery, schema: ObjectSchema): Record<string, unknown> {
  const bad = query[malformed]
  if (bad !== undefined) throw new HearsayError('BAD_REQUEST', `the query part '${bad}' is not percent-encoded UTF-8`)
  const typed: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(query)) typed[name] = convert(value, schema.properties?.[name]?.type)
  return typed
}

function convert(value: string | string[], type: string | undefined): unknown {
  if (typeof value !== 'string') return value
  if (type === 'integer' && /^\d{1,15}$/.test(value)) return Number(value)
  if (type === 'boolean' && (value === 'true' || value === '1' || value === '')) return true
  if (type === 'boolean' && (value === 'false' || value === '0')) return false
  return value
}

function reading<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new HearsayError('BAD_REQUEST', `${name}: ${(error as Error).message}`)
  }
}

/** A timeout in milliseconds; the fallback when absent. Throws BAD_REQUEST. */
export function timeoutOf(text: string | undefined, fallbackMs: number): number {
  if (text === undefined) return fallbackMs
  const timeoutMs = reading('timeout', () => parseDuration(text))
  if (timeoutMs <= timeoutMsMax) return timeoutMs
  throw new HearsayError(
    'BAD_REQUEST',
    `timeout: '${text}' is out of its range: at most ${formatDuration(timeoutMsMax)}`,
  )
}

/** The deadline of a time to live that starts now, in milliseconds since 1970; null when absent. Throws BAD_REQUEST. */
export function deadlineOf(ttl: string | undefined, nowMs: number): number | null {
  if (ttl === undefined) return null
  const ttlMs = reading('ttl', () => parseDuration(ttl))
  if (ttlMs === 0 || ttlMs > ttlMsMax) {
    throw new HearsayError(
      'BAD_REQUEST',
      `ttl: '${ttl}' is out of its range: more than 0, at most ${formatDuration(ttlMsMax)}`,
    )
  }
  return nowMs + ttlMs
}

/** Acknowledgements that a text asks for; the fallback when absent. Throws BAD_REQUEST. */
export function acksOf(text: string | undefined, fallback: Want): Want {
  return text === undefined ? fallback : reading('acks', () => parseAcks(text))
}
