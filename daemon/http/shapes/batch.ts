/** Schemas of batches. */
import Type from 'typebox'
import { incrementBody } from './collections.js'
import { acks, duration, encoding, strict } from './parts.js'

/** One write of a batch; which members it needs depends on `op`. */
const operation = Type.Object(
  {
    op: Type.String({ enum: ['put', 'del', 'counter.incr', 'set.add', 'set.rm', 'map.put', 'map.rm'] }),
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
/** Several writes as one. */
export const batchBody = Type.Object({ ops: Type.Array(operation, { minItems: 1 }) }, strict)
/** The dots of a batch, in the order of its operations. */
export const batchShape = Type.Object({ ops: Type.Array(Type.Object({ dot: Type.String() })), acks })
