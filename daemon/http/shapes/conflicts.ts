/** Schemas of conflicts, and of how one is settled. */
import Type from 'typebox'
import { encoding, next, pageQuery, strict, version } from './parts.js'

/** Query of a listing of conflicts. */
export const conflictsQuery = Type.Object(pageQuery, strict)
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
