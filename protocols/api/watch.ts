/** The change feed. */
import Type from 'typebox'
import { type Endpoint, type Shape, sent } from './endpoint.js'
import { encoding, oneOf, pageQuery, strict, time, typeTag } from './parts.js'
import { routes } from './routes.js'

/** Query of the change feed. */
export const watchQuery = Type.Object(
  {
    prefix: pageQuery.prefix,
    since: Type.Optional(
      Type.String({
        description:
          'Where to go on: the `id` of an event, or `0` for the beginning of what is kept; from now on when absent. `Last-Event-ID` says the same, and comes first.',
      }),
    ),
    initial: Type.Optional(
      Type.Boolean({
        description:
          'What there is comes first, each live version as a put with `initial`, then an event `initial-end`, then the changes since. With a cursor it goes on there.',
      }),
    ),
  },
  strict,
)
/** Headers of the change feed. */
export const watchHeaders = Type.Object({
  'last-event-id': Type.Optional(Type.String({ description: 'The `id` of the last event seen.' })),
})
const valueOrNull = Type.Union([Type.String(), Type.Null()], {
  description:
    'Of a put, as far as its bytes are kept; null for other operations, for counters and for documents: read the key.',
})
/** The data of one event of the change feed. */
export const watchEvent = Type.Object({
  key: Type.String(),
  type: typeTag,
  field: Type.String({ description: 'The member of a set or the field of a map; empty for other types.' }),
  fieldEncoding: Type.Optional(Type.Literal('base64', { description: 'Present when the field is not UTF-8.' })),
  op: oneOf(['put', 'del', 'expire']),
  dot: Type.String({
    description: 'Of the update; of the removed version when a removal was learnt by comparing trees.',
  }),
  node: Type.String(),
  time,
  value: valueOrNull,
  encoding: Type.Union([encoding, Type.Null()]),
  supersedes: Type.Optional(
    Type.Array(Type.String(), {
      description: 'The dots that the update superseded, at most 100; absent when they are not known.',
    }),
  ),
  supersedesMore: Type.Optional(Type.Integer({ description: 'How many it superseded beyond these; absent: none.' })),
  initial: Type.Optional(Type.Literal(true, { description: 'This is what there was at the start, and no change.' })),
})
/** The data of one event of the change feed. */
export type WatchEvent = Shape<typeof watchEvent>
/** Name of the event that says that all that there was has been sent; others have no name. */
export const initialEndEvent = 'initial-end'
/** The change feed. */
export const watchStream = {
  description:
    'Server-sent events: `id` is the cursor, `data` one JSON object. A comment line comes every 15 seconds. With `initial`, one event named `initial-end`, whose data is `{}`, follows what there was.',
  content: { 'text/event-stream': { schema: watchEvent } },
}

/** The endpoint of the change feed. */
export const watch = {
  watchChanges: {
    route: routes.watchChanges,
    summary: 'The change feed: one event for each update, in the order of arrival here',
    query: watchQuery,
    headers: watchHeaders,
    answer: sent(watchStream),
    errors: ['BAD_CURSOR', 'CURSOR_GONE', 'TOO_MANY_WATCHERS'],
    head: false,
  },
} as const satisfies Readonly<Record<string, Endpoint>>
