/** Batches: several writes of any types, stored as one. */
import Type from 'typebox'
import { incrementBody } from './collections.js'
import { onceHeaders, putErrors, writeQuery } from './common.js'
import { type DataType, dataTypes, type OperationName } from './data-types.js'
import { type Endpoint, json, type Shape } from './endpoint.js'
import { acks, duration, encoding, oneOf, strict } from './parts.js'
import { routes } from './routes.js'

const operationNames = Object.values<DataType>(dataTypes).flatMap(({ operations }) => operations) as OperationName[]

/** One write of a batch; which members it needs depends on `op`. */
export const operation = Type.Object(
  {
    op: oneOf(operationNames),
    key: Type.String(),
    value: Type.Optional(Type.String({ description: 'Of put and map.put.' })),
    encoding: Type.Optional(encoding),
    member: Type.Optional(Type.String({ description: 'Of set.add and set.rm; `encoding` applies to it.' })),
    field: Type.Optional(Type.String({ description: 'Of map.put and map.rm.' })),
    by: incrementBody.properties.by,
    context: Type.Optional(Type.String({ description: 'Of put, del, map.put and map.rm.' })),
    ttl: Type.Optional(duration('Of put and map.put.')),
    ifAbsent: Type.Optional(Type.Boolean({ description: 'Of put and map.put.' })),
    all: Type.Optional(Type.Boolean({ description: 'Of del and map.rm.' })),
  },
  strict,
)
/** One write of a batch; which members it needs depends on `op`. */
export type Operation = Shape<typeof operation>
/** Several writes as one. */
export const batchBody = Type.Object({ ops: Type.Array(operation, { minItems: 1 }) }, strict)
/** The dots of a batch, in the order of its operations. */
export const batchShape = Type.Object({ ops: Type.Array(Type.Object({ dot: Type.String() })), acks })
/** The dots of a batch, in the order of its operations. */
export type Batched = Shape<typeof batchShape>

/** The endpoint of batches. */
export const batch = {
  runBatch: {
    route: routes.runBatch,
    summary:
      'Several writes as one: all are stored here, or none; a node that was away may show a part of them while it catches up',
    query: writeQuery,
    headers: onceHeaders,
    body: json(batchBody),
    answer: json(batchShape),
    errors: [...putErrors, 'CONFLICT', 'COUNTER_RANGE'],
  },
} as const satisfies Readonly<Record<string, Endpoint>>
