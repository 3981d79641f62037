/** The live stream: what a node does and sees, as it happens, for people who watch it. */
import Type from 'typebox'
import { noQuery } from './common.js'
import { type Endpoint, json, type Shape, sent } from './endpoint.js'
import { statusShape } from './mesh.js'
import { oneOf, time } from './parts.js'
import { routes } from './routes.js'
import { watchEvent } from './watch.js'

/** Milliseconds from the start of a session to a step of it. */
const ms = Type.Integer({ minimum: 0, description: 'Milliseconds since the start of the session.' })
/** Updates of one actor that one side lacks, by the first digits of the actor's id. */
const missing = Type.Array(Type.Object({ actor: Type.String(), missing: Type.Integer() }))
const bytes = { bytesSent: Type.Integer(), bytesReceived: Type.Integer() }

/** A session began; by whom, for what reason, and whether differences of the last seconds may be left to gossip. */
export const startStep = Type.Object({
  step: Type.Literal('start'),
  ms,
  role: oneOf(['initiator', 'responder']),
  why: oneOf(['connect', 'gap', 'interval', 'mismatch', 'asked', 'retry', 'peer'], '`peer`: the other side opened it.'),
  mode: oneOf(['whole', 'young'], '`young`: it may end when all differences are a few seconds old.'),
})
/** Contexts were swapped. */
export const contextsStep = Type.Object({
  step: Type.Literal('contexts'),
  ms,
  bytes: Type.Integer({ description: 'Bytes of both contexts on the wire.' }),
  mine: Type.Array(missing.items, { description: 'Updates that this node lacks; the most first, at most 32 actors.' }),
  mineRest: Type.Integer({ description: 'Updates that it lacks of other actors.' }),
  theirs: Type.Array(missing.items, { description: 'Updates that the peer lacks.' }),
  theirsRest: Type.Integer({ description: 'Updates that it lacks of other actors.' }),
})
/** One level of the Merkle tree was compared. */
export const levelStep = Type.Object({
  step: Type.Literal('level'),
  ms,
  level: Type.Integer({ minimum: 0, description: 'Depth of the compared nodes; 0 is the root.' }),
  compared: Type.Integer({ description: 'Nodes, and entries listed one by one.' }),
  differing: Type.Integer(),
  children: Type.Array(Type.Boolean(), {
    description: 'Of level 1: which of the sixteen subtrees differ; else empty.',
  }),
  rows: Type.Array(Type.Integer(), {
    description: 'Of deeper levels: for each of the first sixteen parents that differ a bit for each child that does.',
  }),
})
/** Updates and entries that went over so far. */
export const entriesStep = Type.Object({
  step: Type.Literal('entries'),
  ms,
  sent: Type.Integer(),
  received: Type.Integer(),
  ...bytes,
})
/** A session ended. */
export const endStep = Type.Object({
  step: Type.Literal('end'),
  ms,
  mode: Type.String({ description: 'The course that it took, as in the report of `POST /v1/sync`.' }),
  roundTrips: Type.Number(),
  ...bytes,
  entriesSent: Type.Integer(),
  entriesReceived: Type.Integer(),
  ended: Type.String({ description: '`complete`, `young`, that of the refusal, or that of the cut.' }),
  equal: Type.Boolean({ description: 'Both were proven equal.' }),
})
const step = Type.Union([startStep, contextsStep, levelStep, entriesStep, endStep])
/** One step of a session. */
export type SessionStep = Shape<typeof step>
const sessionHead = {
  id: Type.String(),
  peer: Type.String(),
  name: Type.String({ description: "The peer's id while its name is not known." }),
  at: time,
}
/** One of the last sessions, with its steps. */
export const recordedSession = Type.Object({ ...sessionHead, steps: Type.Array(step) })
/** One of the last sessions, with its steps. */
export type RecordedSession = Shape<typeof recordedSession>
/** The last sessions, oldest first. */
export const recordedSessionsShape = Type.Object({ sessions: Type.Array(recordedSession) })

/** Bytes a second, out and in. */
const flow = Type.Object({ in: Type.Number(), out: Type.Number() })
const millisecondsOrNull = Type.Union([Type.Number(), Type.Null()])
/** Rates of the last second. */
export const rates = Type.Object({
  at: time,
  writes: Type.Number({ description: 'Requests of users that write, a second.' }),
  reads: Type.Number({ description: 'Requests of users that read, a second.' }),
  p50Ms: millisecondsOrNull,
  p99Ms: millisecondsOrNull,
  bytes: Type.Object({ gossip: flow, sync: flow, heartbeat: flow }),
  rss: Type.Integer({ description: 'Resident memory of the daemon, in bytes.' }),
  sessions: Type.Integer({ description: 'Sync sessions under way.' }),
})
const { key, type, field, fieldEncoding, op, dot, node, time: changeTime } = watchEvent.properties
/** Data of the events, by the name of the event. */
export const liveEvents = {
  status: statusShape,
  session: Type.Object({ ...sessionHead, step }),
  rates,
  change: Type.Object({ key, type, field, fieldEncoding, op, dot, node, time: changeTime }),
  changes: Type.Object({ skipped: Type.Integer({ description: 'Changes that were not sent one by one.' }) }),
  conflicts: Type.Object({ conflicts: Type.Integer() }),
  warning: Type.Object({ text: Type.String() }),
  lagged: Type.Object({ detail: Type.String() }),
} as const
/** The name of an event of the live stream. */
export type LiveEventName = keyof typeof liveEvents
/** The data of an event of the live stream. */
export type LiveData<Name extends LiveEventName> = Shape<(typeof liveEvents)[Name]>

/** The live stream. */
export const liveStream = {
  description:
    'Server-sent events: `event` is the name, `data` one JSON object. `status` comes first. One that reads too slowly gets `lagged` and is cut. A comment line comes every 15 seconds.',
  content: { 'text/event-stream': { schema: Type.Union(Object.values(liveEvents)) } },
}

/** The endpoints of what happens now. */
export const activity = {
  streamEvents: {
    route: routes.streamEvents,
    summary: 'What this node does and sees, as it happens',
    query: noQuery,
    answer: sent(liveStream),
    errors: ['TOO_MANY_WATCHERS'],
    head: false,
  },
  listSessions: {
    route: routes.listSessions,
    summary: 'The last sync sessions, step by step',
    query: noQuery,
    answer: json(recordedSessionsShape),
    errors: [],
  },
} as const satisfies Readonly<Record<string, Endpoint>>
