/** Findings of the doctor about a node and its mesh, each with its remedy. */
import Type from 'typebox'
import { type Endpoint, json, type Shape } from './endpoint.js'
import { oneOf, strict } from './parts.js'
import { routes } from './routes.js'

/** Query of the doctor. */
export const doctorQuery = Type.Object(
  {
    peer: Type.Optional(Type.String({ minLength: 1, description: 'A member, by name or id; everything when absent.' })),
  },
  strict,
)
/** One finding. `check` is a stable word for programs; `text` is for people and may change. */
export const finding = Type.Object({
  level: oneOf(['ok', 'warn', 'fail']),
  check: Type.String(),
  text: Type.String(),
  remedy: Type.Union([Type.String(), Type.Null()], { description: 'What to do next; null: nothing.' }),
})
/** One finding. `check` is a stable word for programs; `text` is for people and may change. */
export type Finding = Shape<typeof finding>
/** All findings, the worst first. */
export const findingsShape = Type.Object({ findings: Type.Array(finding) })

/** The endpoint of the doctor. */
export const doctor = {
  diagnose: {
    route: routes.diagnose,
    summary: 'Checks this node and what it knows of the mesh, or of one member; each finding with its remedy',
    query: doctorQuery,
    answer: json(findingsShape),
    errors: ['NOT_FOUND'],
  },
} as const satisfies Readonly<Record<string, Endpoint>>
