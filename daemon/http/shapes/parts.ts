/** What the schemas of several subjects are made of. */
import Type from 'typebox'
import { pageItemsDefault, pageItemsMax } from '../limits.js'

/** Unknown members are refused. */
export const strict = { additionalProperties: false } as const
/** A time in ISO 8601. */
export const time = Type.String({ format: 'date-time' })
/** A time, or none. */
export const timeOrNull = Type.Union([time, Type.Null()])
/** Names, or other words. */
export const names = Type.Array(Type.String())
/** How a value stands in JSON. */
export const encoding = Type.Union([Type.Literal('utf8'), Type.Literal('base64')])
/** A length of time as people write it. */
export const duration = (description: string) => Type.String({ description, examples: ['30s'] })
/** A value in JSON. */
export const encodedValue = Type.Object({ value: Type.String(), encoding })
/** Which nodes have a write durably, of how many wanted. */
export const acks = Type.Object({ have: Type.Integer(), want: Type.Integer(), nodes: names })
/** One version as shown. */
export const version = Type.Object({
  dot: Type.String({ description: '`actor:counter`' }),
  node: Type.String(),
  time,
  expires: timeOrNull,
  encoding,
  value: Type.String(),
})
const typeName = '^(reg|ctr|set|map|doc|type-\\d+)$'
/** A type of data. */
export const type = Type.String({ pattern: typeName, description: '`type-N` is one of a later version.' })
/** The types that live under a key. */
export const types = Type.Array(type)
/** What a write asks of other nodes. */
export const nodesQuery = {
  acks: Type.Optional(
    Type.String({ description: 'How many nodes must have it durably: a number, `majority` or `all`.' }),
  ),
  requireQuorum: Type.Optional(
    Type.Boolean({ description: 'Refuse unless a majority of the members answers in time, after the request came.' }),
  ),
  timeout: Type.Optional(duration('How long to wait for other nodes.')),
}
/** Which page of a listing is asked for. */
export const pageQuery = {
  prefix: Type.Optional(Type.String()),
  after: Type.Optional(Type.String({ description: 'Go on behind this key: `next` of the page before.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: pageItemsMax, default: pageItemsDefault })),
}
/** Where the next page goes on; null at the end. */
export const next = Type.Union([Type.String(), Type.Null()])
