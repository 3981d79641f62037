/** Conflicts, and how one is settled. */
import Type from 'typebox'
import { keyErrors, noQuery, onceHeaders, writeErrors } from './common.js'
import { dataTypes, dataTypeTags, type SiblingsTag } from './data-types.js'
import { type Endpoint, json, type Shape } from './endpoint.js'
import { writtenShape } from './kv.js'
import { encoding, next, pageQuery, strict, version } from './parts.js'
import { routes } from './routes.js'

/** Query of a listing of conflicts. */
export const conflictsQuery = Type.Object(pageQuery, strict)
/** One address in conflict. */
export const conflict = Type.Object({
  key: Type.String(),
  type: Type.String(),
  field: Type.String(),
  context: Type.String(),
  versions: Type.Array(Type.Object({ ...version.properties, size: Type.Integer() })),
})
/** One address in conflict. */
export type Conflict = Shape<typeof conflict>
/** A page of conflicts. */
export const conflictsShape = Type.Object({ items: Type.Array(conflict), next })
const siblingsTag = Type.Unsafe<SiblingsTag>(
  Type.Union(
    dataTypeTags.filter((tag) => dataTypes[tag].hasSiblings).map((tag) => Type.Literal(tag)),
    { default: 'reg' },
  ),
)
/** Body of a request that settles a conflict: by the number of a version, by a value, or by merging. */
export const resolutionBody = Type.Object(
  {
    pick: Type.Optional(Type.Integer({ minimum: 1, description: 'The number of a displayed version, from 1.' })),
    value: Type.Optional(Type.String()),
    encoding: Type.Optional(encoding),
    merge: Type.Optional(Type.Literal(true)),
    type: Type.Optional(siblingsTag),
    field: Type.Optional(Type.String({ description: 'The field of a map.' })),
    context: Type.Optional(
      Type.String({ description: 'What was displayed; a newer sibling is then refused with 409.' }),
    ),
  },
  strict,
)
/** Body of a request that settles a conflict: by the number of a version, by a value, or by merging. */
export type ResolutionBody = Shape<typeof resolutionBody>
/** Answer of a resolution: that of a write, and a token with which it can be undone. */
export const resolvedShape = Type.Object({
  ...writtenShape.properties,
  undo: Type.Union([Type.String(), Type.Null()], {
    description: 'Undoes this resolution while its version is the latest; null: what it settled is too large to keep.',
  }),
})
/** Answer of a resolution. */
export type Resolved = Shape<typeof resolvedShape>
/** Body of a request that undoes a resolution. */
export const undoBody = Type.Object(
  {
    undo: Type.Optional(
      Type.String({ description: 'What the resolution answered; when absent, the last one of this key at this node.' }),
    ),
    field: Type.Optional(Type.String({ description: 'The field of a map.' })),
  },
  strict,
)
/** Answer of an undo: the siblings that are there again. */
export const undoneShape = Type.Object({
  key: Type.String(),
  context: Type.String({ description: 'Of all of them.' }),
  dots: Type.Array(Type.String(), {
    description: 'Of the versions written again, in the order in which they were displayed.',
  }),
})
/** Answer of an undo. */
export type Undone = Shape<typeof undoneShape>

/** The endpoints below /v1/conflicts. */
export const conflicts = {
  listConflicts: {
    route: routes.listConflicts,
    summary: 'Lists what is in conflict, with every version',
    query: conflictsQuery,
    answer: json(conflictsShape),
    errors: ['BAD_KEY', 'DAMAGED_VALUE'],
  },
  resolveConflict: {
    route: routes.resolveConflict,
    summary: 'Settles a conflict by the number of a version, by a value, or by merging',
    query: noQuery,
    headers: onceHeaders,
    body: json(resolutionBody),
    answer: json(resolvedShape),
    errors: [...writeErrors, 'BAD_CONTEXT', 'STALE_CONTEXT', 'TOO_MANY_SIBLINGS'],
  },
} as const satisfies Readonly<Record<string, Endpoint>>

/** The endpoints below /v1/undo. */
export const resolutions = {
  undoResolution: {
    route: routes.undoResolution,
    summary: 'Undoes a resolution made at this node: the siblings that it settled are there again',
    query: noQuery,
    body: json(undoBody),
    answer: json(undoneShape),
    errors: [...keyErrors, 'DAMAGED_VALUE', 'TOO_BUSY', 'STALE_CONTEXT', 'TOO_MANY_SIBLINGS'],
  },
} as const satisfies Readonly<Record<string, Endpoint>>
