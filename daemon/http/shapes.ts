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
    consistency: Type.Optional(Type.Enum(['one', 'majority', 'all'])),
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
  },
  strict,
)
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

/** Headers of the change feed. */
export const watchHeaders = Type.Object({
  'last-event-id': Type.Optional(Type.String({ description: 'The `id` of the last event seen.' })),
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
/** Query of a write that only says what it asks of other nodes. */
export const writeQuery = Type.Object(nodesQuery, strict)
/** Headers of a write that names no context. */
export const onceHeaders = Type.Object({ 'idempotency-key': writeHeaders.properties['idempotency-key'] })

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

const encodedValue = Type.Object({ value: Type.String(), encoding })
/** A set: members as text, or with their encoding when they are not UTF-8. */
export const setShape = Type.Object({
  key: Type.String(),
  members: Type.Array(Type.Union([Type.String(), encodedValue])),
})
const memberValue = Type.Union([Type.String(), encodedValue])
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

/** Query of a read of a document. */
export const documentQuery = Type.Object(
  {
    ...getQuery.properties,
    conflicts: Type.Optional(Type.Boolean({ description: 'List the places inside that hold concurrent values.' })),
  },
  strict,
)
/** Query of a put of a document. */
export const documentPutQuery = Type.Object({ ...nodesQuery, ifAbsent: putQuery.properties.ifAbsent }, strict)
/** A document: the JSON itself, or with `conflicts` what is known of it. */
export const documentShape = Type.Union([
  Type.Record(Type.String(), Type.Unknown(), { description: 'The document itself.' }),
  Type.Object(
    {
      key: Type.String(),
      context: Type.String(),
      dot: Type.String(),
      siblings: Type.Integer({ description: 'Versions that differ; they are shown merged.' }),
      unreadable: Type.Integer({ description: 'Versions that this node cannot read; they are kept.' }),
      document: Type.Record(Type.String(), Type.Unknown()),
      conflicts: Type.Array(
        Type.Object({
          path: Type.String({
            description: 'A JSON pointer into the document, or into a value listed for a place before it.',
          }),
          values: Type.Array(Type.Unknown(), { description: 'All concurrent values, the shown one first.' }),
        }),
      ),
    },
    { description: 'With `conflicts=true`.' },
  ),
])
/** Headers of a patch. */
export const patchHeaders = Type.Object({
  'content-type': Type.Union([
    Type.Literal('application/merge-patch+json'),
    Type.Literal('application/json-patch+json'),
  ]),
  ...writeHeaders.properties,
})

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
    type: Type.Optional(Type.Union([Type.Literal('reg'), Type.Literal('map')], { default: 'reg' })),
    field: Type.Optional(Type.String({ description: 'The field of a map.' })),
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
/** A backup. */
export const backupShape = Type.String({
  format: 'binary',
  description:
    'The file that `hearsay restore` takes; whole only with its last block, which has a digest of all others.',
})
const valueOrNull = Type.Union([Type.String(), Type.Null()], {
  description:
    'Of a put, as far as its bytes are kept; null for other operations, for counters and for documents: read the key.',
})
/** The data of one event of the change feed. */
export const watchEvent = Type.Object({
  key: Type.String(),
  type: Type.String({ enum: ['reg', 'ctr', 'set', 'map', 'doc'] }),
  field: Type.String({ description: 'The member of a set or the field of a map; empty for other types.' }),
  fieldEncoding: Type.Optional(Type.Literal('base64', { description: 'Present when the field is not UTF-8.' })),
  op: Type.String({ enum: ['put', 'del', 'expire'] }),
  dot: Type.String({
    description: 'Of the update; of the removed version when a removal was learnt by comparing trees.',
  }),
  node: Type.String(),
  time,
  value: valueOrNull,
  encoding: Type.Union([encoding, Type.Null()]),
})
/** The change feed. */
export const watchStream = {
  description: 'Server-sent events: `id` is the cursor, `data` one JSON object. A comment line comes every 15 seconds.',
  content: { 'text/event-stream': { schema: watchEvent } },
}
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
