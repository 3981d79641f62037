/** Members, status, and everything asked of the mesh. */
import Type from 'typebox'
import { keyErrors, noQuery } from './common.js'
import { type Endpoint, json, nothing, type Shape } from './endpoint.js'
import { diffKeysDefault, diffKeysMax } from './limits.js'
import { counterNumber, duration, encoding, names, strict, time, timeOrNull, typeTag } from './parts.js'
import { routes } from './routes.js'
import { verificationShape } from './system.js'

/** Query of `wait`. */
export const waitQuery = Type.Object(
  {
    peers: Type.Optional(Type.Integer({ minimum: 0, description: 'So many members are connected.' })),
    converged: Type.Optional(Type.Boolean({ description: 'They are proven equal to this node.' })),
    timeout: Type.Optional(duration('How long to wait.')),
  },
  strict,
)
/** A member as a node sees it; `clockOffsetMs` is its clock against that of the node, null: not heard. */
export const member = Type.Object({
  name: Type.String(),
  peer: Type.String(),
  connected: Type.Boolean(),
  blocked: Type.Boolean(),
  converged: Type.Boolean({ description: 'Its latest heartbeat showed the same root and context.' }),
  behind: Type.Integer({ description: 'Updates that it has not acknowledged.' }),
  ahead: Type.Integer({ description: 'Updates that it has and this node has not, as last heard.' }),
  lastSeen: timeOrNull,
  lastEqual: timeOrNull,
  hints: Type.Object({ updates: Type.Integer(), bytes: Type.Integer(), since: timeOrNull }),
  addresses: names,
  version: Type.String(),
  clockOffsetMs: Type.Union([Type.Number(), Type.Null()]),
  root: Type.Union([Type.String(), Type.Null()], {
    description: 'The first eight digits of the root in its latest heartbeat; null: none was heard since it connected.',
  }),
  hears: Type.Array(Type.String(), { description: 'Peer ids of the nodes that it is connected to, as last heard.' }),
})
/** A member as a node sees it; `clockOffsetMs` is its clock against that of the node, null: not heard. */
export type Member = Shape<typeof member>
/** All members but this node. */
export const membersShape = Type.Object({ members: Type.Array(member) })
/** Status of a node, and of the mesh as the node sees it. */
export const statusShape = Type.Object({
  node: Type.String(),
  peer: Type.String(),
  actor: Type.Union([Type.String(), Type.Null()]),
  version: Type.String(),
  entries: Type.Integer({ description: 'Live entries of the users.' }),
  root: Type.String(),
  context: Type.String({ description: 'A digest of the contexts.' }),
  conflicts: Type.Integer(),
  /** Bytes of updates that are no longer live and kept for members that miss them. */
  log: Type.Object({ bytes: Type.Integer() }),
  verified: Type.Boolean(),
  verification: Type.Union([verificationShape, Type.Null()], { description: 'Null: none is under way.' }),
  addresses: names,
  blocked: names,
  warnings: names,
  members: Type.Array(member),
})
/** Status of a node, and of the mesh as the node sees it. */
export type Status = Shape<typeof statusShape>
/** An invitation. */
export const tokenShape = Type.Object({ token: Type.String({ minLength: 1 }) }, strict)
/** This node after a join. */
export const joinedShape = Type.Object({ node: Type.String(), peer: Type.String() })
/** Peers to cut off. */
export const blockBody = Type.Object({ peers: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }) }, strict)
/** Peers to let in again; all when absent. */
export const unblockBody = Type.Object({ peers: Type.Optional(Type.Array(Type.String({ minLength: 1 }))) }, strict)
/** Peers that are cut off now. */
export const blockedShape = Type.Object({ blocked: names })
/** Peer to sync with; every connected peer when absent. */
export const syncBody = Type.Object({ peer: Type.Optional(Type.String({ minLength: 1 })) }, strict)
/** The report of one session of anti-entropy; `name` is the peer's id while its name is not known. */
export const session = Type.Object({
  peer: Type.String(),
  name: Type.String(),
  mode: Type.String(),
  roundTrips: Type.Number({ description: 'Half the number of turns.' }),
  bytesSent: Type.Integer(),
  bytesReceived: Type.Integer(),
  entriesSent: Type.Integer(),
  entriesReceived: Type.Integer(),
  ended: Type.String(),
})
/** The report of one session of anti-entropy; `name` is the peer's id while its name is not known. */
export type SyncSession = Shape<typeof session>
/** Reports of sessions. */
export const sessionsShape = Type.Object({ sessions: Type.Array(session) })
/** Nodes that hold the shown version of a key, that lack it, and that did not answer. */
export const whereShape = Type.Object({
  key: Type.String(),
  dot: Type.String(),
  nodes: names,
  missing: Type.Array(Type.String(), { description: 'They were asked, and do not have it.' }),
  unknown: Type.Array(Type.String(), { description: 'They did not answer.' }),
})
/** Nodes that hold the shown version of a key, that lack it, and that did not answer. */
export type Where = Shape<typeof whereShape>
/** Query of a comparison with a peer. */
export const diffQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: diffKeysMax,
        default: diffKeysDefault,
        description: 'Stop after so many differences; those found then are any of them.',
      }),
    ),
  },
  strict,
)
/** One version as a comparison shows it. */
export const diffVersion = Type.Object({
  dot: Type.String({ description: '`actor:counter`' }),
  node: Type.String(),
  time,
  expires: timeOrNull,
  value: Type.Union([Type.String(), Type.Null()], {
    description: 'Null when it is over 1,024 bytes, and for counters and documents.',
  }),
  encoding: Type.Union([encoding, Type.Null()]),
})
/**
 * One side of a difference: the versions that a node holds there, the latest first, and of a counter what they come to;
 * null: nothing.
 */
export const diffSide = Type.Union([
  Type.Object({ versions: Type.Array(diffVersion), counter: Type.Optional(counterNumber) }),
  Type.Null(),
])
/**
 * One side of a difference: the versions that a node holds there, the latest first, and of a counter what they come to;
 * null: nothing.
 */
export type DiffSide = Shape<typeof diffSide>
/** One value, counter, member, field or document that two nodes hold otherwise. */
export const keyDifference = Type.Object({
  key: Type.String(),
  type: typeTag,
  field: Type.String({ description: 'The member of a set or the field of a map; empty for other types.' }),
  fieldEncoding: Type.Optional(Type.Literal('base64', { description: 'Present when the field is not UTF-8.' })),
  here: diffSide,
  there: diffSide,
})
/** One value, counter, member, field or document that two nodes hold otherwise. */
export type KeyDifference = Shape<typeof keyDifference>
/** Differences between this node and a peer, in the order of keys. */
export const diffShape = Type.Object({
  peer: Type.String({ description: 'The name of the peer.' }),
  keys: Type.Array(keyDifference),
  more: Type.Boolean({ description: 'There may be other differences beside these.' }),
})
/** Differences between this node and a peer, in the order of keys. */
export type Diff = Shape<typeof diffShape>
/** A wait that came true. */
export const waitShape = Type.Object({ ok: Type.Literal(true) })

/** The endpoints about the mesh. */
export const mesh = {
  getStatus: {
    route: routes.getStatus,
    summary: 'This node and the mesh as it sees it',
    query: noQuery,
    answer: json(statusShape),
    errors: [],
  },
  listMembers: {
    route: routes.listMembers,
    summary: 'All members but this node',
    query: noQuery,
    answer: json(membersShape),
    errors: [],
  },
  locateValue: {
    route: routes.locateValue,
    summary: 'Which members durably hold the shown version of a key, asked afresh',
    query: noQuery,
    answer: json(whereShape),
    errors: [...keyErrors, 'DAMAGED_VALUE'],
  },
  diffWithPeer: {
    route: routes.diffWithPeer,
    summary: 'Which keys a connected peer holds otherwise; nothing is changed on either side',
    query: diffQuery,
    answer: json(diffShape),
    errors: [...keyErrors, 'DAMAGED_VALUE', 'UNREACHABLE', 'PEER_TOO_OLD', 'TOO_BUSY'],
  },
  forgetMember: {
    route: routes.forgetMember,
    summary: 'Retires a member for good',
    query: noQuery,
    answer: nothing,
    errors: keyErrors,
  },
  invite: {
    route: routes.invite,
    summary: 'Makes a token with which another node joins this mesh; keep it secret',
    query: noQuery,
    answer: json(tokenShape),
    errors: ['UNREACHABLE'],
  },
  join: {
    route: routes.join,
    summary: 'Joins the mesh of an invitation',
    query: noQuery,
    body: json(tokenShape),
    answer: json(joinedShape),
    errors: ['BAD_TOKEN', 'OWN_INVITATION', 'UNREACHABLE', 'OTHER_MESH', 'FORGOTTEN', 'NOT_ADMITTED'],
  },
  block: {
    route: routes.block,
    summary: 'Cuts this node off from peers; answers when their connections are closed',
    query: noQuery,
    body: json(blockBody),
    answer: json(blockedShape),
    errors: ['NOT_FOUND'],
  },
  unblock: {
    route: routes.unblock,
    summary: 'Lifts blocks; all of them when no peers are named',
    query: noQuery,
    body: json(unblockBody),
    answer: json(blockedShape),
    errors: ['NOT_FOUND'],
  },
  sync: {
    route: routes.sync,
    summary: 'Runs anti-entropy now, with one peer or with every connected one',
    query: noQuery,
    body: json(syncBody),
    answer: json(sessionsShape),
    errors: ['NOT_FOUND', 'UNREACHABLE'],
  },
  wait: {
    route: routes.wait,
    summary: 'Answers when so many members are connected and, if asked, proven equal',
    query: waitQuery,
    answer: json(waitShape),
    errors: ['TIMED_OUT'],
  },
} as const satisfies Readonly<Record<string, Endpoint>>
