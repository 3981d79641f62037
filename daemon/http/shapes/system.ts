/** Schemas of what the daemon tells of itself: health, readiness, settings, metrics. */
import Type from 'typebox'

/** Whether the daemon is alive. */
export const healthShape = Type.Object({ status: Type.Literal('ok') })
/** Whether the node serves clients, how far it is with the rest, and what it waits for before it syncs. */
export const readyShape = Type.Object({
  ready: Type.Boolean(),
  verified: Type.Boolean(),
  syncing: Type.Boolean(),
  waitsFor: Type.Union([Type.String(), Type.Null()]),
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
/** Plain text. */
export const textShape = Type.String()
