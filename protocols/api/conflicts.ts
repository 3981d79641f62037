/** Conflicts, and how one is settled. */
import Type from 'typebox'
import { noQuery, onceHeaders, writeErrors } from './common.js'
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
    answer: json(writtenShape),
    errors: [...writeErrors, 'BAD_CONTEXT', 'STALE_CONTEXT', 'TOO_MANY_SIBLINGS'],
  },
} as const satisfies Readonly<Record<string, Endpoint>>
