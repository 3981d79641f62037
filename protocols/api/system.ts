/** Endpoints about the daemon itself: health, readiness, settings, metrics, this contract. */
import Type from 'typebox'
import { noQuery } from './common.js'
import { type Endpoint, json, type Shape, sent } from './endpoint.js'
import { oneOf } from './parts.js'
import { routes } from './routes.js'

/** Health: the answer of a daemon that is alive. */
export const healthShape = Type.Object({ status: Type.Literal('ok') })
/** Progress of the comparison of a store with its checksums. */
export const verificationShape = Type.Object({
  rows: Type.Integer({ description: 'Rows compared so far.' }),
  ofAbout: Type.Integer({ description: 'How many there will have been, estimated.' }),
})
/**
 * Readiness of a node: it serves clients, has verified its store, takes part in sync; and the reason it does not sync
 * yet.
 */
export const readyShape = Type.Object({
  ready: Type.Boolean(),
  verified: Type.Boolean(),
  syncing: Type.Boolean(),
  waitsFor: Type.Union([Type.String(), Type.Null()]),
  verification: Type.Union([verificationShape, Type.Null()], { description: 'Null: none is under way.' }),
})
/**
 * Readiness of a node: it serves clients, has verified its store, takes part in sync; and the reason it does not sync
 * yet.
 */
export type Readiness = Shape<typeof readyShape>
/** The settings in effect. */
export const configShape = Type.Object({
  file: Type.Union([Type.String(), Type.Null()]),
  settings: Type.Array(
    Type.Object({
      name: Type.String(),
      value: Type.Unknown(),
      origin: oneOf(['default', 'file', 'environment', 'flag']),
      flag: Type.String(),
      variable: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
})
/** The settings in effect. */
export type ConfigShown = Shape<typeof configShape>
/** Plain text. */
export const textShape = Type.String()

/** The endpoints about the daemon itself. */
export const system = {
  getHealth: {
    route: routes.getHealth,
    summary: 'Whether the daemon is alive',
    query: null,
    answer: json(healthShape),
    errors: null,
  },
  getReadiness: {
    route: routes.getReadiness,
    summary: 'Whether clients are served, or why not; the body tells of verification and sync',
    query: null,
    answer: json(readyShape),
    errors: [],
  },
  getConfig: {
    route: routes.getConfig,
    summary: 'The settings in effect and where each comes from; secrets left out',
    query: noQuery,
    answer: json(configShape),
    errors: [],
  },
  getMetrics: {
    route: routes.getMetrics,
    summary: 'Prometheus metrics',
    query: null,
    answer: sent(textShape),
    errors: null,
  },
  getOpenApi: { route: routes.getOpenApi, summary: null, query: null, answer: sent(null), errors: null },
  getDashboard: { route: routes.getDashboard, summary: null, query: null, answer: sent(null), errors: null },
} as const satisfies Readonly<Record<string, Endpoint>>
