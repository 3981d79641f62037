/** The schemas of the API: they check requests and are what the OpenAPI document is made of. */
import Type from 'typebox'
import { pageItemsDefault, pageItemsMax } from './limits.js'

const strict = { additionalProperties: false } as const
const time = Type.String({ format: 'date-time' })
const timeOrNull = Type.Union([time, Type.Null()])
const names = Type.Array(Type.String())
const encoding = Type.Union([Type.Literal('utf8'), Type.Literal('base64')])
const duration = (description: string) => Type.String({ description, examples: ['30s'] })

/** The key in a path. */
export const keyParams = Type.Object({
  key: Type.String({
    description: 'The key, 1 to 1,024 bytes of UTF-8, percent-encoded as one segment (`/` as `%2F`).',
  }),
})
/** A member's name or peer id in a path. */
export const nameParams = Type.Object({ name: Type.String({ description: 'A name or a peer id.' }) })

const nodesQuery = {
  acks: Type.Optional(
    Type.String({ description: 'How many nodes must have it durably: a number, `majority` or `all`.' }),
  ),
  requireQuorum: Type.Optional(
    Type.Boolean({ description: 'Refuse when fewer than a majority of the members are reachable.' }),
  ),
  timeout: Type.Optional(duration('How long to wait for other nodes.')),
}

/** Query of a put. */
export const putQuery = Type.Object(
  {
    ttl: Type.Optional(duration('Time to live.')),
    ...nodesQuery,
    ifAbsent: Type.Optional(Type.Boolean({ description: 'Refuse with EXISTS when the key has a value.' })),
  },
  strict,
)
/** Query of a read. */
export const getQuery = Type.Object(
  {
    consistency: Type.Optional(Type.Union([Type.Literal('one'), Type.Literal('majority'), Type.Literal('all')])),
    timeout: nodesQuery.timeout,
  },
  strict,
)
/** Query of a delete. */
export const deleteQuery = Type.Object(
  { all: Type.Optional(Type.Boolean({ description: 'Delete every version, conflict or not.' })), ...nodesQuery },
  strict,
)

const pageQuery = {
  prefix: Type.Optional(Type.String()),
  after: Type.Optional(Type.String({ description: 'Go on behind this key: `next` of the page before.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: pageItemsMax, default: pageItemsDefault })),
}
/** Query of a listing. */
export const listQuery = Type.Object({ ...pageQuery, values: Type.Optional(Type.Boolean()) }, strict)
/** Query of a listing of conflicts. */
export const conflictsQuery = Type.Object(pageQuery, strict)
/** Query of an export. */
export const exportQuery = Type.Object({ prefix: pageQuery.prefix }, strict)
/** Query of `wait`. */
export const waitQuery = Type.Object(
  {
    peers: Type.Optional(Type.Integer({ minimum: 0, description: 'So many members are connected.' })),
    converged: Type.Optional(Type.Boolean({ description: 'They are proven equal to this node.' })),
    timeout: Type.Optional(duration('How long to wait.')),
  },
  strict,
)
/** Query of routes that have none. */
export const noQuery = Type.Object({}, strict)

/** Headers of a write. */
export const writeHeaders = Type.Object({
  'hearsay-context': Type.Optional(
    Type.String({ description: 'The context of an earlier read: supersedes exactly what it showed.' }),
  ),
  'idempotency-key': Type.Optional(Type.String({ description: 'Makes a repeated request harmless.' })),
})

const acks = Type.Object({ have: Type.Integer(), want: Type.Integer(), nodes: names })
const version = Type.Object({
  dot: Type.String({ description: '`actor:counter`' }),
  node: Type.String(),
  time,
  expires: timeOrNull,
  encoding,
  value: Type.String(),
})
/** The answer to a write. */
export const writtenShape = Type.Object({ key: Type.String(), dot: Type.String(), context: Type.String(), acks })
/** All versions of a key. */
export const versionsShape = Type.Object({
  key: Type.String(),
  context: Type.String(),
  versions: Type.Array(version),
})
const next = Type.Union([Type.String(), Type.Null()])
const types = Type.Array(Type.String({ enum: ['reg', 'ctr', 'set', 'map', 'doc'] }))
/** A page of a listing. */
export const listShape = Type.Object({
  items: Type.Array(
    Type.Object({
      key: Type.String(),
      types,
      siblings: Type.Integer(),
      value: Type.Optional(Type.String()),
      encoding: Type.Optional(encoding),
    }),
  ),
  next,
})
/** A page of conflicts. */
export const conflictsShape = Type.Object({
  items: Type.Array(
    Type.Object({
      key: Type.String(),
      type: Type.String(),
      field: Type.String(),
      context: Type.String(),
      versions: Type.Array(Type.Object({ ...version.properties, size: Type.Integer() })),
    }),
  ),
  next,
})
/** How a conflict is settled. */
export const resolutionBody = Type.Object(
  {
    pick: Type.Optional(Type.Integer({ minimum: 1, description: 'The number of a displayed version, from 1.' })),
    value: Type.Optional(Type.String()),
    encoding: Type.Optional(encoding),
    merge: Type.Optional(Type.Literal(true)),
    context: Type.Optional(
      Type.String({ description: 'What was displayed; a newer sibling is then refused with 409.' }),
    ),
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
      roundTrips: Type.Integer(),
      bytesSent: Type.Integer(),
      bytesReceived: Type.Integer(),
      entriesSent: Type.Integer(),
      entriesReceived: Type.Integer(),
      ended: Type.String(),
    }),
  ),
})
/** Who holds the shown version of a key. */
export const whereShape = Type.Object({ key: Type.String(), dot: Type.String(), nodes: names, unknown: names })
/** A wait that came true. */
export const waitShape = Type.Object({ ok: Type.Literal(true) })
/** What an import did. */
export const importShape = Type.Object({
  imported: Type.Integer(),
  skipped: Type.Integer({ description: 'Lines whose values were there already.' }),
  failed: Type.Array(Type.Object({ line: Type.Integer(), code: Type.String(), message: Type.String() })),
  failures: Type.Integer({ description: 'Failed lines in all; `failed` lists the first of them.' }),
})
/** The settings in effect. */
export const configShape = Type.Object({
  file: Type.Union([Type.String(), Type.Null()]),
  settings: Type.Array(
    Type.Object({
      name: Type.String(),
      value: Type.Unknown(),
      origin: Type.String({ enum: ['default', 'file', 'environment', 'flag'] }),
      flag: Type.String(),
      variable: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
})
/** Whether the daemon is alive. */
export const healthShape = Type.Object({ status: Type.Literal('ok') })
/** Whether the node serves clients, how far it is with the rest, and what it waits for before it syncs. */
export const readyShape = Type.Object({
  ready: Type.Boolean(),
  verified: Type.Boolean(),
  syncing: Type.Boolean(),
  waitsFor: Type.Union([Type.String(), Type.Null()]),
})
/** JSON lines. */
export const linesShape = Type.String({
  description: 'One JSON object a line: `{key, type, versions: [{value, encoding, dot, node, time, expires?}]}`.',
})
/** Plain text. */
export const textShape = Type.String()
/** No body. */
export const nothing = Type.Null({ description: 'Done; no body.' })
/** Every error. */
export const problemShape = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.String(),
})
