/** Schemas of counters, sets and maps. */
import Type from 'typebox'
import { keyParams } from './common.js'
import { versionsShape, writtenShape } from './kv.js'
import { acks, encodedValue, encoding, strict } from './parts.js'

/** The key and the member of a set in a path. */
export const memberParams = Type.Object({
  ...keyParams.properties,
  member: Type.String({ description: 'The member, 1 to 1,024 bytes, percent-encoded as one segment.' }),
})
/** The key and the field of a map in a path. */
export const fieldParams = Type.Object({
  ...keyParams.properties,
  field: Type.String({ description: 'The field, 1 to 1,024 bytes of UTF-8, percent-encoded as one segment.' }),
})
const counterValue = Type.Union([Type.Integer(), Type.String()], {
  description: 'A number; beyond 2^53 - 1, which only a merge of several nodes can reach, its decimal digits as text.',
})
const counterFields = {
  key: Type.String(),
  value: counterValue,
  code: Type.Optional(Type.Literal('COUNTER_RANGE', { description: 'The value lies beyond 2^53 - 1.' })),
}
/** How much a counter goes up. */
export const incrementBody = Type.Object(
  {
    by: Type.Optional(Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER, default: 1 })),
  },
  strict,
)
/** A counter. */
export const counterShape = Type.Object(counterFields)
/** A counter after an increment. */
export const countedShape = Type.Object({ ...counterFields, dot: Type.String(), acks })
const memberValue = Type.Union([Type.String(), encodedValue])
/** A set: members as text, or with their encoding when they are not UTF-8. */
export const setShape = Type.Object({
  key: Type.String(),
  members: Type.Array(memberValue),
})
/** A member that is there. */
export const setMemberShape = Type.Object({ key: Type.String(), member: memberValue })
/** A member after it was added. */
export const addedShape = Type.Object({ key: Type.String(), member: memberValue, dot: Type.String(), acks })
/** A map, every field with its shown winner. */
export const mapShape = Type.Object({
  key: Type.String(),
  fields: Type.Record(Type.String(), Type.Object({ value: Type.String(), encoding, siblings: Type.Integer() })),
})
/** The answer to a put of a field. */
export const fieldWrittenShape = Type.Object({ ...writtenShape.properties, field: Type.String() })
/** All versions of a field. */
export const fieldVersionsShape = Type.Object({ ...versionsShape.properties, field: Type.String() })
