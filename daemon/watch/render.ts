/** Renders events for readers. The descriptor of a type decides whether its values are shown. */
import { dataTypeOf, type TypeTag } from '../../protocols/api/data-types.js'
import type { EncodedValue } from '../../protocols/api/parts.js'
import { initialEndEvent, type WatchEvent } from '../../protocols/api/watch.js'
import type { MemberTag } from '../../store/model/codec.js'
import { isBaseline } from '../../store/model/counter-values.js'
import { type Actor, dotText } from '../../store/model/dot.js'
import type { FeedEvent } from '../../store/replica/types.js'
import { encodeValue, isoTime } from '../views/value-json.js'

/** Names behind actors. */
export interface Names {
  memberOf(actor: Actor): MemberTag
  nameOf(member: MemberTag): string
}

/** The JSON of one event. */
export function eventJson(event: FeedEvent, names: Names): WatchEvent {
  return { ...changeJson(event, names), ...valueJson(event), ...supersededJson(event) }
}

/** The JSON of one event without the value. */
export function changeJson(
  event: FeedEvent,
  names: Names,
): Omit<WatchEvent, 'value' | 'encoding' | 'supersedes' | 'supersedesMore'> {
  const { address, dot, time } = event
  return {
    key: address.key,
    // The feed has the users' events alone.
    type: address.type as TypeTag,
    ...fieldJson(address.field),
    op: opOf(event),
    dot: dotText(dot),
    node: names.nameOf(names.memberOf(dot.actor)),
    time: isoTime(time.ms),
  }
}

/** A delete of a counter is stored as a version, its baseline; to readers it is a delete. */
function opOf({ address, op, value }: FeedEvent): FeedEvent['op'] {
  return address.type === 'ctr' && value !== null && isBaseline(value) ? 'del' : op
}

/** A field as text; one that is no UTF-8 as base64, which `fieldEncoding` then says. */
function fieldJson(bytes: Uint8Array): { field: string; fieldEncoding?: 'base64' } {
  const { value: field, encoding } = encodeValue(bytes)
  return encoding === 'base64' ? { field, fieldEncoding: encoding } : { field }
}

/**
 * The bytes of registers, set members' entries and map fields. Counters and documents hold what only their key, read,
 * can show.
 */
function valueJson({ address, value }: FeedEvent): EncodedValue | { value: null; encoding: null } {
  const isShown = dataTypeOf(address.type)?.showsValueInFeed === true
  return value === null || !isShown ? { value: null, encoding: null } : encodeValue(value)
}

/** One event as server-sent event. */
export function eventFrame(json: object, cursor: string): Buffer {
  return Buffer.from(`id: ${cursor}\ndata: ${JSON.stringify(json)}\n\n`)
}

/** The event that follows what there was at the start. */
export function initialEndFrame(cursor: string): Buffer {
  return Buffer.from(`event: ${initialEndEvent}\nid: ${cursor}\ndata: {}\n\n`)
}

/** A comment line that carries the position reached without an event. */
export function commentFrame(comment: string, cursor: string): Buffer {
  return Buffer.from(`: ${comment}\nid: ${cursor}\n\n`)
}

function supersededJson({ supersedes, supersedesMore }: FeedEvent): Pick<WatchEvent, 'supersedes' | 'supersedesMore'> {
  return {
    ...(supersedes !== undefined && { supersedes: supersedes.map(dotText) }),
    ...(supersedesMore > 0 && { supersedesMore }),
  }
}
