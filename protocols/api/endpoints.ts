/**
 * The contract of the HTTP API as a whole: every endpoint by its name, subject by subject, in the order of the OpenAPI
 * document.
 */
import { batch } from './batch.js'
import { collections } from './collections.js'
import { conflicts, resolutions } from './conflicts.js'
import { dashboard, dashboardFiles } from './dashboard.js'
import { doctor } from './doctor.js'
import { documents } from './documents.js'
import type { AnswerOf, JsonBody, QueryOf, Shape } from './endpoint.js'
import { kv } from './kv.js'
import { activity } from './live.js'
import { mesh } from './mesh.js'
import type { Route } from './routes.js'
import { system } from './system.js'
import { backups, transfer } from './transfer.js'
import { watch } from './watch.js'

/** Every endpoint by its name. */
export const endpoints = {
  ...kv,
  ...collections,
  ...documents,
  ...batch,
  ...conflicts,
  ...resolutions,
  ...mesh,
  ...doctor,
  ...transfer,
  ...watch,
  ...backups,
  ...activity,
  ...system,
  ...dashboardFiles,
  ...dashboard,
} as const

type EndpointAt<R extends Route> = Extract<(typeof endpoints)[keyof typeof endpoints], { readonly route: R }>

/** The JSON that is answered under a route. */
export type AnswerAt<R extends Route> = AnswerOf<EndpointAt<R>>
/** The query that a route accepts. */
export type QueryAt<R extends Route> = QueryOf<EndpointAt<R>>
/** The JSON that is sent under a route. */
export type BodyAt<R extends Route> = EndpointAt<R> extends { readonly body: JsonBody<infer S> } ? Shape<S> : unknown
