/** Schemas of members, status, and everything asked of the mesh. */
import Type from 'typebox'
import { duration, names, strict, timeOrNull } from './parts.js'

/** A member's name or peer id in a path. */
export const nameParams = Type.Object({ name: Type.String({ description: 'A name or a peer id.' }) })
/** Query of `wait`. */
export const waitQuery = Type.Object(
  {
    peers: Type.Optional(Type.Integer({ minimum: 0, description: 'So many members are connected.' })),
    converged: Type.Optional(Type.Boolean({ description: 'They are proven equal to this node.' })),
    timeout: Type.Optional(duration('How long to wait.')),
  },
  strict,
)
const member = Type.Object({
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
})
/** All members but this node. */
export const membersShape = Type.Object({ members: Type.Array(member) })
/** What a node knows of itself and the mesh. */
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
  addresses: names,
  blocked: names,
  warnings: names,
  members: Type.Array(member),
})
/** An invitation. */
export const tokenShape = Type.Object({ token: Type.String({ minLength: 1 }) }, strict)
/** This node after a join. */
export const joinedShape = Type.Object({ node: Type.String(), peer: Type.String() })
/** Peers to cut off. */
export const blockBody = Type.Object({ peers: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }) }, strict)
/** Peers to let in again; all when absent. */
export const unblockBody = Type.Object({ peers: Type.Optional(Type.Array(Type.String({ minLength: 1 }))) }, strict)
/** Who is cut off now. */
export const blockedShape = Type.Object({ blocked: names })
/** With whom to sync; every connected peer when absent. */
export const syncBody = Type.Object({ peer: Type.Optional(Type.String({ minLength: 1 })) }, strict)
/** Reports of sessions. */
export const sessionsShape = Type.Object({
  sessions: Type.Array(
    Type.Object({
      peer: Type.String(),
      name: Type.String(),
      mode: Type.String(),
      roundTrips: Type.Number({ description: 'Half the number of turns.' }),
      bytesSent: Type.Integer(),
      bytesReceived: Type.Integer(),
      entriesSent: Type.Integer(),
      entriesReceived: Type.Integer(),
      ended: Type.String(),
    }),
  ),
})
/** Who holds the shown version of a key. */
export const whereShape = Type.Object({
  key: Type.String(),
  dot: Type.String(),
  nodes: names,
  missing: Type.Array(Type.String(), { description: 'They were asked, and do not have it.' }),
  unknown: Type.Array(Type.String(), { description: 'They did not answer.' }),
})
/** A wait that came true. */
export const waitShape = Type.Object({ ok: Type.Literal(true) })
