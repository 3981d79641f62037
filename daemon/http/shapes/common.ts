/** Schemas that routes of several subjects share: keys in paths, queries and headers of reads and writes, errors. */
import Type from 'typebox'
import { nodesQuery, strict } from './parts.js'

/** The key in a path. */
export const keyParams = Type.Object({
  key: Type.String({
    description: 'The key, 1 to 1,024 bytes of UTF-8, percent-encoded as one segment (`/` as `%2F`).',
  }),
})
/** Query of a read. */
export const getQuery = Type.Object(
  {
    consistency: Type.Optional(Type.Enum(['one', 'majority', 'all'])),
    timeout: nodesQuery.timeout,
  },
  strict,
)
/** Query of a write that only says what it asks of other nodes. */
export const writeQuery = Type.Object(nodesQuery, strict)
/** Query of routes that have none. */
export const noQuery = Type.Object({}, strict)
/** Headers of a write. */
export const writeHeaders = Type.Object({
  'hearsay-context': Type.Optional(
    Type.String({ description: 'The context of an earlier read: supersedes exactly what it showed.' }),
  ),
  'idempotency-key': Type.Optional(Type.String({ description: 'Makes a repeated request harmless.' })),
})
/** Headers of a write that names no context. */
export const onceHeaders = Type.Object({ 'idempotency-key': writeHeaders.properties['idempotency-key'] })
/** No body. */
export const nothing = Type.Null({ description: 'Done; no body.' })
/** Every error. */
export const problemShape = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.String(),
})
