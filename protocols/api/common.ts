/**
 * Parts that the endpoints of several subjects share: texts in paths, queries and headers of reads and writes, errors.
 */
import Type from 'typebox'
import type { ErrorCode } from '../../store/errors.js'
import type { Shape } from './endpoint.js'
import { nodesQuery, strict } from './parts.js'

/** The texts of the user in paths, by the name in braces. */
export const segments = {
  key: Type.String({
    description: 'The key, 1 to 1,024 bytes of UTF-8, percent-encoded as one segment (`/` as `%2F`).',
  }),
  member: Type.String({ description: 'The member, 1 to 1,024 bytes, percent-encoded as one segment.' }),
  field: Type.String({ description: 'The field, 1 to 1,024 bytes of UTF-8, percent-encoded as one segment.' }),
  name: Type.String({ description: 'A name or a peer id.' }),
  peer: Type.String({ description: 'The name or the peer id of a member.' }),
}
/** Query of a read. */
export const getQuery = Type.Object(
  {
    consistency: Type.Optional(Type.Enum(['one', 'majority', 'all'])),
    timeout: nodesQuery.timeout,
  },
  strict,
)
/** Query of a read. */
export type ReadQuery = Shape<typeof getQuery>
/** Query of a write that only says what it asks of other nodes. */
export const writeQuery = Type.Object(nodesQuery, strict)
/** Query of a write that only says what it asks of other nodes. */
export type NodesQuery = Shape<typeof writeQuery>
/** Query of endpoints that have none. */
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
/** Every error. */
export const problemShape = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.String(),
})

/** Codes that every endpoint may answer: of the listener, the router, and what no endpoint can help. */
export const anywhere: readonly ErrorCode[] = [
  'BAD_REQUEST',
  'UNAUTHORIZED',
  'FORBIDDEN_ORIGIN',
  'TOO_LARGE',
  'INTERNAL',
  'SYSTEM_FAILED',
  'STORE_FAILED',
  'NOT_VERIFIED',
]
/** Codes of whatever names a key. */
export const keyErrors = ['BAD_KEY', 'NOT_FOUND'] as const satisfies readonly ErrorCode[]
/** Codes of reads of one address. */
export const readErrors = [...keyErrors, 'DAMAGED_VALUE', 'NO_QUORUM'] as const satisfies readonly ErrorCode[]
/** Codes of writes of any type. */
export const writeErrors = [
  ...keyErrors,
  'RETRY_KEY_REUSED',
  'DAMAGED_VALUE',
  'NOT_ENOUGH_ACKS',
  'NO_QUORUM',
  'TOO_BUSY',
] as const satisfies readonly ErrorCode[]
/** Codes of puts of a register or a field. */
export const putErrors = [
  ...writeErrors,
  'BAD_CONTEXT',
  'EXISTS',
  'TOO_MANY_SIBLINGS',
  'CLOCK_OFF',
] as const satisfies readonly ErrorCode[]
/** Codes of deletes of what may be in conflict. */
export const deleteErrors = [...writeErrors, 'BAD_CONTEXT', 'CONFLICT'] as const satisfies readonly ErrorCode[]
