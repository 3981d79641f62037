/**
 * Keys with values of their own, and the listing of all keys; fields of maps are written and shown in the same forms.
 */
import Type from 'typebox'
import { deleteErrors, getQuery, putErrors, readErrors, writeHeaders } from './common.js'
import { bytes, type Endpoint, json, nothing, type Shape, sent } from './endpoint.js'
import { acks, duration, encoding, next, nodesQuery, pageQuery, strict, typeTag, version } from './parts.js'
import { routes } from './routes.js'

/** Query of a put. */
export const putQuery = Type.Object(
  {
    ttl: Type.Optional(duration('Time to live.')),
    ...nodesQuery,
    ifAbsent: Type.Optional(Type.Boolean({ description: 'Refuse with EXISTS when the key has a value.' })),
  },
  strict,
)
/** Query of a delete. */
export const deleteQuery = Type.Object(
  { all: Type.Optional(Type.Boolean({ description: 'Delete every version, conflict or not.' })), ...nodesQuery },
  strict,
)
/** Query of a listing. */
export const listQuery = Type.Object(
  {
    ...pageQuery,
    until: Type.Optional(Type.String({ description: 'End with this key, in the order of the listing.' })),
    reverse: Type.Optional(Type.Boolean({ description: 'From the last key to the first; `after` and `next` too.' })),
    values: Type.Optional(Type.Boolean()),
    count: Type.Optional(
      Type.Boolean({
        description: 'Count the keys in place of listing them, without `limit` and `values`: `items` is empty.',
      }),
    ),
  },
  strict,
)
/** The answer to a write; `context` is the token of the new version alone. */
export const writtenShape = Type.Object({ key: Type.String(), dot: Type.String(), context: Type.String(), acks })
/** The answer to a write; `context` is the token of the new version alone. */
export type Written = Shape<typeof writtenShape>
/** Every version of a key, the shown winner first; `context` is the token of them all. */
export const versionsShape = Type.Object({
  key: Type.String(),
  context: Type.String(),
  versions: Type.Array(version),
})
/** Every version of a key, the shown winner first; `context` is the token of them all. */
export type Versions = Shape<typeof versionsShape>
/** One key of a listing, with its shown value where that is asked for. */
export const listItem = Type.Object({
  key: Type.String(),
  types: Type.Array(typeTag),
  siblings: Type.Integer(),
  value: Type.Optional(Type.String()),
  encoding: Type.Optional(encoding),
})
/** One key of a listing, with its shown value where that is asked for. */
export type ListItem = Shape<typeof listItem>
/** Number of keys, and of those that have each type. */
export const keyCount = Type.Object({ keys: Type.Integer(), types: Type.Record(Type.String(), Type.Integer()) })
/** Number of keys, and of those that have each type. */
export type KeyCount = Shape<typeof keyCount>
/** A page of a listing, or the count of one: add those of all pages up. */
export const listShape = Type.Object({ items: Type.Array(listItem), next, count: Type.Optional(keyCount) })

/** The endpoints below /v1/kv. */
export const kv = {
  putValue: {
    route: routes.putValue,
    summary: 'Stores a value',
    query: putQuery,
    headers: writeHeaders,
    body: bytes,
    answer: json(writtenShape),
    errors: putErrors,
  },
  getValue: {
    route: routes.getValue,
    summary: 'Reads a value; with `Accept: application/json` every version',
    query: getQuery,
    answer: sent(versionsShape),
    errors: readErrors,
  },
  deleteValue: {
    route: routes.deleteValue,
    summary: 'Deletes a key; refused in conflict unless the request says what it has in view',
    query: deleteQuery,
    headers: writeHeaders,
    answer: nothing,
    errors: deleteErrors,
  },
  listKeys: {
    route: routes.listKeys,
    summary: 'Lists keys in the order of their bytes',
    query: listQuery,
    answer: json(listShape),
    errors: ['BAD_KEY', 'DAMAGED_VALUE'],
  },
} as const satisfies Readonly<Record<string, Endpoint>>
