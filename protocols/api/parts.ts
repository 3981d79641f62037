/** Parts of which the shapes of several subjects are made. */
import Type, { type TUnsafe } from 'typebox'
import { dataTypeTags, type TypeTag } from './data-types.js'
import type { Shape } from './endpoint.js'
import { pageItemsDefault, pageItemsMax } from './limits.js'

/** Unknown members are refused. */
export const strict = { additionalProperties: false } as const
/** One of some words. */
export const oneOf = <Word extends string>(words: readonly Word[], description?: string): TUnsafe<Word> =>
  Type.Unsafe<Word>(Type.String({ ...(description !== undefined && { description }), enum: [...words] }))
/** A time in ISO 8601, with milliseconds. */
export const time = Type.String({ format: 'date-time' })
/** A time, or none. */
export const timeOrNull = Type.Union([time, Type.Null()])
/** Names, or other words. */
export const names = Type.Array(Type.String())
/** Encoding of a value in JSON: `utf8` when its bytes are valid UTF-8. */
export const encoding = Type.Union([Type.Literal('utf8'), Type.Literal('base64')])
/** A length of time as people write it. */
export const duration = (description: string) => Type.String({ description, examples: ['30s'] })
/** A value in JSON. */
export const encodedValue = Type.Object({ value: Type.String(), encoding })
/** A value in JSON. */
export type EncodedValue = Shape<typeof encodedValue>
/** The value of a counter. */
export const counterNumber = Type.Union([Type.Integer(), Type.String()], {
  description: 'A number; beyond 2^53 - 1, which only a merge of several nodes can reach, its decimal digits as text.',
})
/** Acknowledgements of a write: the number of nodes that hold it durably, the number wanted, and their names. */
export const acks = Type.Object({ have: Type.Integer(), want: Type.Integer(), nodes: names })
/** Acknowledgements of a write: the number of nodes that hold it durably, the number wanted, and their names. */
export type Acks = Shape<typeof acks>
/** One sibling as shown; `node` is the name of the node that wrote it. */
export const version = Type.Object({
  dot: Type.String({ description: '`actor:counter`' }),
  node: Type.String(),
  time,
  expires: timeOrNull,
  encoding,
  value: Type.String(),
})
/** One sibling as shown; `node` is the name of the node that wrote it. */
export type Version = Shape<typeof version>
const typeName = `^(${dataTypeTags.join('|')}|type-\\d+)$`
/** The tag of a type of data. */
export const typeTag = Type.Unsafe<TypeTag>(
  Type.String({ pattern: typeName, description: '`type-N` is one of a later version.' }),
)
/** Parameters of a write that concern other nodes: acknowledgements, quorum, and the time to wait for both. */
export const nodesQuery = {
  acks: Type.Optional(
    Type.String({ description: 'How many nodes must have it durably: a number, `majority` or `all`.' }),
  ),
  requireQuorum: Type.Optional(
    Type.Boolean({ description: 'Refuse unless a majority of the members answers in time, after the request came.' }),
  ),
  timeout: Type.Optional(duration('How long to wait for other nodes.')),
}
/** Parameters that select a page of a listing. */
export const pageQuery = {
  prefix: Type.Optional(Type.String()),
  after: Type.Optional(Type.String({ description: 'Go on behind this key: `next` of the page before.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: pageItemsMax, default: pageItemsDefault })),
}
/** Key behind which the next page begins; null at the end. */
export const next = Type.Union([Type.String(), Type.Null()])
/** A page of a listing in key order: pass `next` as `after` to go on; it is null at the end. */
export interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
}
