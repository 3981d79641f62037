/** Schemas of keys with values of their own, and of the listing of all keys; fields of maps are written and shown in the same forms. */
import Type from 'typebox'
import { acks, duration, encoding, next, nodesQuery, pageQuery, strict, types, version } from './parts.js'

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
export const listQuery = Type.Object({ ...pageQuery, values: Type.Optional(Type.Boolean()) }, strict)
/** The answer to a write. */
export const writtenShape = Type.Object({ key: Type.String(), dot: Type.String(), context: Type.String(), acks })
/** All versions of a key. */
export const versionsShape = Type.Object({
  key: Type.String(),
  context: Type.String(),
  versions: Type.Array(version),
})
/** A page of a listing. */
export const listShape = Type.Object({
  items: Type.Array(
    Type.Object({
      key: Type.String(),
      types,
      siblings: Type.Integer(),
      value: Type.Optional(Type.String()),
      encoding: Type.Optional(encoding),
    }),
  ),
  next,
})
