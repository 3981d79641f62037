/**
 * Routes of the HTTP API: the name of each endpoint, with its method and path. Segments in braces are texts of the
 * user, percent-encoded as one segment each. Plain data, which the quick path of the command line loads; what is asked
 * and answered stands in the files beside.
 */

/** Every route by the name of its endpoint. */
export const routes = {
  putValue: 'PUT /v1/kv/{key}',
  getValue: 'GET /v1/kv/{key}',
  deleteValue: 'DELETE /v1/kv/{key}',
  listKeys: 'GET /v1/kv',

  getCounter: 'GET /v1/counters/{key}',
  incrementCounter: 'POST /v1/counters/{key}',
  deleteCounter: 'DELETE /v1/counters/{key}',

  getSet: 'GET /v1/sets/{key}',
  clearSet: 'DELETE /v1/sets/{key}',
  getMember: 'GET /v1/sets/{key}/{member}',
  addMember: 'PUT /v1/sets/{key}/{member}',
  removeMember: 'DELETE /v1/sets/{key}/{member}',

  getMap: 'GET /v1/maps/{key}',
  clearMap: 'DELETE /v1/maps/{key}',
  getField: 'GET /v1/maps/{key}/{field}',
  putField: 'PUT /v1/maps/{key}/{field}',
  deleteField: 'DELETE /v1/maps/{key}/{field}',

  getDocument: 'GET /v1/docs/{key}',
  putDocument: 'PUT /v1/docs/{key}',
  patchDocument: 'PATCH /v1/docs/{key}',
  deleteDocument: 'DELETE /v1/docs/{key}',

  runBatch: 'POST /v1/batch',
  listConflicts: 'GET /v1/conflicts',
  resolveConflict: 'POST /v1/conflicts/{key}',
  undoResolution: 'POST /v1/undo/{key}',

  getStatus: 'GET /v1/status',
  listMembers: 'GET /v1/members',
  locateValue: 'GET /v1/where/{key}',
  diffWithPeer: 'GET /v1/diff/{peer}',
  forgetMember: 'DELETE /v1/members/{name}',
  invite: 'POST /v1/invite',
  join: 'POST /v1/join',
  block: 'POST /v1/block',
  unblock: 'POST /v1/unblock',
  sync: 'POST /v1/sync',
  wait: 'GET /v1/wait',
  diagnose: 'GET /v1/doctor',

  exportEntries: 'GET /v1/export',
  importEntries: 'POST /v1/import',
  watchChanges: 'GET /v1/watch',
  takeBackup: 'GET /v1/backup',

  streamEvents: 'GET /v1/events',
  listSessions: 'GET /v1/sessions',

  getHealth: 'GET /healthz',
  getReadiness: 'GET /readyz',
  getConfig: 'GET /v1/config',
  getMetrics: 'GET /metrics',
  getOpenApi: 'GET /openapi.json',

  getDashboard: 'GET /',
  getDashboardScript: 'GET /dashboard.js',
  getDashboardStyle: 'GET /dashboard.css',
  makeDashboardLink: 'POST /v1/dashboard-link',
  signIn: 'POST /session',
  signOut: 'DELETE /session',
} as const

/** The method and the path of any endpoint. */
export type Route = (typeof routes)[keyof typeof routes]
/** The methods of the API. */
export type Method = Route extends `${infer M} ${string}` ? M : never

/** Splits a route into its method and its path. */
export function partsOf(route: Route): { readonly method: Method; readonly path: string } {
  const space = route.indexOf(' ')
  return { method: route.slice(0, space) as Method, path: route.slice(space + 1) }
}

/** The names of the texts of the user in a route. */
export type SegmentOf<R extends string> = R extends `${string}{${infer Name}}${infer Rest}`
  ? Name | SegmentOf<Rest>
  : never
