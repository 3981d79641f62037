/** Reads and writes of keys, as the editors ask for them. */
import type { Counted, CounterValue, MapFields, SetMembers } from '../../../../protocols/api/collections.js'
import type { Conflict, Resolved } from '../../../../protocols/api/conflicts.js'
import type { DocumentShown } from '../../../../protocols/api/documents.js'
import type { ListItem, Versions, Written } from '../../../../protocols/api/kv.js'
import type { Where } from '../../../../protocols/api/mesh.js'
import { ApiFailure, call, jsonOf, segment } from './api.js'

/** Types that a new key may have. */
export type NewType = 'reg' | 'ctr' | 'set' | 'map' | 'doc'

const kvPath = (key: string) => `/v1/kv/${segment(key)}`
const counterPath = (key: string) => `/v1/counters/${segment(key)}`
const setPath = (key: string) => `/v1/sets/${segment(key)}`
const mapPath = (key: string) => `/v1/maps/${segment(key)}`
const documentPath = (key: string) => `/v1/docs/${segment(key)}`

/** The types under a key, none when there is no such key. */
export async function keyTypes(key: string, signal: AbortSignal): Promise<readonly string[]> {
  const path = `/v1/kv?prefix=${encodeURIComponent(key)}&limit=1`
  const { items } = await jsonOf<{ items: ListItem[] }>(path, { signal })
  return items[0]?.key === key ? items[0].types : []
}

/** Every version of a value, or of a field of a map. */
export function versionsOf(key: string, field: string | null, signal: AbortSignal): Promise<Versions> {
  return jsonOf<Versions>(field === null ? kvPath(key) : `${mapPath(key)}/${segment(field)}`, { signal })
}

/** Stores a text in place of exactly the versions of a context. */
export function putOverContext(key: string, field: string | null, text: string, context: string): Promise<Written> {
  const path = field === null ? kvPath(key) : `${mapPath(key)}/${segment(field)}`
  return jsonOf<Written>(path, { method: 'PUT', text, headers: { 'Hearsay-Context': context } })
}

/** A counter. */
export const counterOf = (key: string, signal: AbortSignal) => jsonOf<CounterValue>(counterPath(key), { signal })
/** Adds to a counter. */
export const addToCounter = (key: string, by: number) =>
  jsonOf<Counted>(counterPath(key), { method: 'POST', json: { by } })
/** A set. */
export const membersOf = (key: string, signal: AbortSignal) => jsonOf<SetMembers>(setPath(key), { signal })
/** Adds a member to a set. */
export const addMember = (key: string, member: string) => call(`${setPath(key)}/${segment(member)}`, { method: 'PUT' })
/** Removes a member of a set. */
export const removeMember = (key: string, member: string) =>
  call(`${setPath(key)}/${segment(member)}`, { method: 'DELETE' })
/** A map. */
export const fieldsOf = (key: string, signal: AbortSignal) => jsonOf<MapFields>(mapPath(key), { signal })
/** Removes a field of a map with the versions of a context. */
export const removeField = (key: string, field: string) =>
  call(`${mapPath(key)}/${segment(field)}?all=true`, { method: 'DELETE' })
/** A document with the places inside that are in conflict. */
export const documentOf = (key: string, signal: AbortSignal) =>
  jsonOf<DocumentShown>(`${documentPath(key)}?conflicts=true`, { signal })
/** Makes a document show a JSON text, against what a context showed. */
export const putDocument = (key: string, text: string, context: string) =>
  jsonOf<Written>(documentPath(key), { method: 'PUT', text, headers: { 'Hearsay-Context': context } })
/** Sets one place of a document, which settles it. */
export const settlePlace = (key: string, path: string, value: unknown) =>
  call(documentPath(key), {
    method: 'PATCH',
    text: JSON.stringify([{ op: 'replace', path, value }]),
    headers: { 'Content-Type': 'application/json-patch+json' },
  })
/** The members that durably hold a key. */
export const whereIs = (key: string) => jsonOf<Where>(`/v1/where/${segment(key)}`)

/** Deletes what stands under a key in one type, all versions that this node has. */
export async function removeKey(key: string, type: string): Promise<void> {
  const paths: Record<string, string> = {
    ctr: counterPath(key),
    set: setPath(key),
    map: `${mapPath(key)}?all=true`,
    doc: documentPath(key),
  }
  await call(paths[type] ?? `${kvPath(key)}?all=true`, { method: 'DELETE' })
}

/** Makes a key of a type with the first thing in it. */
export async function createKey(key: string, type: NewType, text: string): Promise<void> {
  if (type === 'reg') await call(`${kvPath(key)}?ifAbsent=true`, { method: 'PUT', text })
  if (type === 'ctr') await addToCounter(key, wholeNumber(text))
  if (type === 'set') await addMember(key, text)
  if (type === 'doc') await call(`${documentPath(key)}?ifAbsent=true`, { method: 'PUT', text })
  if (type !== 'map') return
  const [, field = '', value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (field === '') throw new ApiFailure(0, 'USAGE', 'write the field and its value as field=value')
  await call(`${mapPath(key)}/${segment(field)}?ifAbsent=true`, { method: 'PUT', text: value })
}

/** A whole number that a person has typed. Throws when it is none. */
export function wholeNumber(text: string): number {
  const number = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(number))
    throw new ApiFailure(0, 'USAGE', `'${text}' is not a whole number`)
  return number
}

/** A page of conflicts. */
export const listConflicts = (signal: AbortSignal) =>
  jsonOf<{ items: Conflict[]; next: string | null }>('/v1/conflicts?limit=200', { signal })

/** Settles a conflict, just as it was shown. */
export function settleConflict(
  { key, type, field, context }: Conflict,
  how: { pick: number } | { value: string } | { merge: true },
): Promise<Resolved> {
  const place = type === 'map' ? { type, field } : {}
  const value = 'value' in how ? { encoding: 'utf8' } : {}
  return jsonOf<Resolved>(`/v1/conflicts/${segment(key)}`, {
    method: 'POST',
    json: { ...how, ...value, ...place, context },
  })
}

/** Takes back a settlement. */
export const unsettle = ({ key, type, field }: Conflict, undo: string) =>
  call(`/v1/undo/${segment(key)}`, { method: 'POST', json: { undo, ...(type === 'map' ? { field } : {}) } })
