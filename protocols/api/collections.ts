/** Counters, sets and maps. */
import Type from 'typebox'
import {
  deleteErrors,
  getQuery,
  noQuery,
  onceHeaders,
  putErrors,
  readErrors,
  writeErrors,
  writeHeaders,
  writeQuery,
} from './common.js'
import { bytes, type Endpoint, json, nothing, type Shape, sent } from './endpoint.js'
import { deleteQuery, putQuery, versionsShape, writtenShape } from './kv.js'
import { acks, counterNumber, encodedValue, encoding, strict } from './parts.js'
import { routes } from './routes.js'

const counterFields = {
  key: Type.String(),
  value: counterNumber,
  code: Type.Optional(Type.Literal('COUNTER_RANGE', { description: 'The value lies beyond 2^53 - 1.' })),
}
/** Body of an increment: the number to add, which may be negative. */
export const incrementBody = Type.Object(
  {
    by: Type.Optional(Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER, default: 1 })),
  },
  strict,
)
/** A counter. */
export const counterShape = Type.Object(counterFields)
/** A counter. */
export type CounterValue = Shape<typeof counterShape>
/** A counter after an increment. */
export const countedShape = Type.Object({ ...counterFields, dot: Type.String(), acks })
/** A counter after an increment. */
export type Counted = Shape<typeof countedShape>
/** A member of a set: text, or with its encoding when it is not UTF-8. */
export const memberValue = Type.Union([Type.String(), encodedValue])
/** A member of a set: text, or with its encoding when it is not UTF-8. */
export type SetMember = Shape<typeof memberValue>
/** A set: members as text, or with their encoding when they are not UTF-8. */
export const setShape = Type.Object({
  key: Type.String(),
  members: Type.Array(memberValue),
})
/** A set: members as text, or with their encoding when they are not UTF-8. */
export type SetMembers = Shape<typeof setShape>
/** A member that is there. */
export const setMemberShape = Type.Object({ key: Type.String(), member: memberValue })
/** A member after it was added. */
export const addedShape = Type.Object({ key: Type.String(), member: memberValue, dot: Type.String(), acks })
/** A member after it was added. */
export type Added = Shape<typeof addedShape>
/** A map, every field with its shown winner. */
export const mapShape = Type.Object({
  key: Type.String(),
  fields: Type.Record(Type.String(), Type.Object({ value: Type.String(), encoding, siblings: Type.Integer() })),
})
/** A map, every field with its shown winner. */
export type MapFields = Shape<typeof mapShape>
/** The answer to a put of a field. */
export const fieldWrittenShape = Type.Object({ ...writtenShape.properties, field: Type.String() })
/** The answer to a put of a field. */
export type FieldWritten = Shape<typeof fieldWrittenShape>
/** All versions of a field. */
export const fieldVersionsShape = Type.Object({ ...versionsShape.properties, field: Type.String() })
/** All versions of a field. */
export type FieldVersions = Shape<typeof fieldVersionsShape>

/** The endpoints below /v1/counters. */
export const counters = {
  getCounter: {
    route: routes.getCounter,
    summary: 'Reads a counter',
    query: getQuery,
    answer: json(counterShape),
    errors: readErrors,
  },
  incrementCounter: {
    route: routes.incrementCounter,
    summary: 'Adds to a counter, or takes away; every increment counts, whatever happens at other nodes meanwhile',
    query: writeQuery,
    headers: onceHeaders,
    body: json(incrementBody),
    answer: json(countedShape),
    errors: [...writeErrors, 'COUNTER_RANGE'],
  },
  deleteCounter: {
    route: routes.deleteCounter,
    summary: 'Deletes a counter; increments that this node has not seen survive',
    query: writeQuery,
    headers: onceHeaders,
    answer: nothing,
    errors: writeErrors,
  },
} as const satisfies Readonly<Record<string, Endpoint>>

/** The endpoints below /v1/sets. */
export const sets = {
  getSet: {
    route: routes.getSet,
    summary: 'Lists the members of a set in the order of their bytes',
    query: noQuery,
    answer: sent(setShape),
    errors: readErrors,
  },
  clearSet: {
    route: routes.clearSet,
    summary: 'Removes the members that this node has seen',
    query: writeQuery,
    headers: onceHeaders,
    answer: nothing,
    errors: writeErrors,
  },
  getMember: {
    route: routes.getMember,
    summary: 'Whether something is in a set',
    query: getQuery,
    answer: json(setMemberShape),
    errors: readErrors,
  },
  addMember: {
    route: routes.addMember,
    summary: 'Adds a member; an addition survives a removal that had not seen it',
    query: writeQuery,
    headers: onceHeaders,
    answer: json(addedShape),
    errors: writeErrors,
  },
  removeMember: {
    route: routes.removeMember,
    summary: 'Removes a member, as far as this node has seen it',
    query: writeQuery,
    headers: onceHeaders,
    answer: nothing,
    errors: writeErrors,
  },
} as const satisfies Readonly<Record<string, Endpoint>>

/** The endpoints below /v1/maps. */
export const maps = {
  getMap: {
    route: routes.getMap,
    summary: 'Reads a map: every field with its shown winner',
    query: noQuery,
    answer: sent(mapShape),
    errors: readErrors,
  },
  clearMap: {
    route: routes.clearMap,
    summary: 'Removes the fields that this node has seen; refused while one is in conflict, unless `all`',
    query: deleteQuery,
    headers: onceHeaders,
    answer: nothing,
    errors: deleteErrors,
  },
  getField: {
    route: routes.getField,
    summary: 'Reads a field; with `Accept: application/json` every version',
    query: getQuery,
    answer: sent(fieldVersionsShape),
    errors: readErrors,
  },
  putField: {
    route: routes.putField,
    summary: 'Stores a field',
    query: putQuery,
    headers: writeHeaders,
    body: bytes,
    answer: json(fieldWrittenShape),
    errors: putErrors,
  },
  deleteField: {
    route: routes.deleteField,
    summary: 'Removes a field; refused in conflict unless the request says what it has in view',
    query: deleteQuery,
    headers: writeHeaders,
    answer: nothing,
    errors: deleteErrors,
  },
} as const satisfies Readonly<Record<string, Endpoint>>

/** The endpoints of these types. */
export const collections = { ...counters, ...sets, ...maps } as const
