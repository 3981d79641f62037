/** The router of the API: one for all listeners. Routes are in routes/; errors, unknown paths and checks are here. */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { Compile } from 'typebox/compile'
import { headerBytesMax } from '../../protocols/api/limits.js'
import { HearsayError } from '../../store/errors.js'
import { Answers } from '../metrics/answers.js'
import { drain } from './body.js'
import { type AnyRouteGroup, notSniffed, pluginOf, urlsOf } from './endpoints.js'
import { Metrics } from './metrics.js'
import { pathOfUrl, routerUrl } from './paths.js'
import { hearsayError, problemOf, problemType, StatusError } from './problem.js'
import { noParameters, parseQuery, type RawQuery, typedQuery } from './query.js'
import { backupRoutes } from './routes/backup.js'
import { batchRoutes } from './routes/batch.js'
import { conflictRoutes, undoRoutes } from './routes/conflicts.js'
import { counterRoutes } from './routes/counters.js'
import { dashboardFileRoutes, dashboardRoutes } from './routes/dashboard.js'
import { doctorRoutes } from './routes/doctor.js'
import { documentRoutes } from './routes/documents.js'
import { kvRoutes } from './routes/kv.js'
import { liveRoutes } from './routes/live.js'
import { mapRoutes } from './routes/maps.js'
import { meshRoutes } from './routes/mesh.js'
import { setRoutes } from './routes/sets.js'
import { systemRoutes } from './routes/system.js'
import { transferRoutes } from './routes/transfer.js'
import { watchRoutes } from './routes/watch.js'
import { type Api, type ApiServices, routeOf } from './services.js'

/** Routes of the users' data, whose requests are the rates of the live stream. */
const dataRoutes: readonly AnyRouteGroup[] = [
  kvRoutes,
  counterRoutes,
  setRoutes,
  mapRoutes,
  documentRoutes,
  batchRoutes,
]
const dataUrls: ReadonlySet<string | undefined> = new Set(dataRoutes.flatMap(urlsOf))

/** Options of a router, beside its services. */
export interface ApiOptions {
  /** Called with the router before the routes are added; the builder of the OpenAPI document comes in here. */
  readonly before?: (api: Api) => Promise<void>
}

/** Makes the router. It listens to nothing: `routing` handles requests of any server. */
export async function createApi(services: ApiServices, options: ApiOptions = {}): Promise<Api> {
  const answers = new Answers()
  const app: Api = fastify({
    logger: false,
    rewriteUrl: forRouter,
    routerOptions: { querystringParser: parseQuery, maxParamLength: headerBytesMax },
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply as FastifyReply, services),
    requestTimeout: 0,
  })
  app.setValidatorCompiler(validatorOf)
  app.setSerializerCompiler(() => JSON.stringify)
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, services))
  const methods = methodsByPath(app)
  app.setNotFoundHandler((request, reply) => answerUnknown(request, reply, services, methods))
  // A hook that calls back is cheaper than a promise, and this is on the path of every request.
  app.addHook('onResponse', (request, reply, done) => {
    answers.add(request.method, request.routeOptions.url, reply.statusCode, reply.elapsedTime)
    const isTimed = services.live.readers > 0 && dataUrls.has(request.routeOptions.url)
    if (isTimed) services.live.answered(!['GET', 'HEAD'].includes(request.method), reply.elapsedTime)
    done()
  })
  await options.before?.(app)
  const groups: readonly AnyRouteGroup[] = [
    ...dataRoutes,
    conflictRoutes,
    undoRoutes,
    meshRoutes,
    doctorRoutes(),
    transferRoutes,
    watchRoutes,
    backupRoutes,
    liveRoutes,
    systemRoutes(new Metrics(services, answers)),
    dashboardFileRoutes,
    dashboardRoutes,
  ]
  for (const group of groups) await app.register(pluginOf(group, services))
  await app.ready()
  return app
}

/**
 * The URL that the router is given. A body is what its route says (bytes, JSON or lines), so that the router is not
 * given its type: clients often name another one, or a malformed one.
 */
function forRouter({ url, headers }: IncomingMessage): string {
  if (headers['content-type'] !== undefined) headers['content-type'] = undefined
  return routerUrl(url ?? '/')
}

interface RouteSchema {
  readonly schema: object
  readonly httpPart?: string
}

/** Queries are typed and checked, bodies checked; headers and paths are checked by what reads them. */
function validatorOf({ schema, httpPart }: RouteSchema) {
  if (httpPart !== 'querystring' && httpPart !== 'body') return () => true
  const compiled = Compile(schema as Parameters<typeof Compile>[0])
  // Most requests have no query: what that comes to is looked at once.
  const forNone = httpPart === 'querystring' && compiled.Check({}) ? { value: Object.freeze({}) } : undefined
  return (given: unknown) => {
    if (given === noParameters && forNone !== undefined) return forNone
    const value = httpPart === 'querystring' ? typedQuery(given as RawQuery, schema) : given
    if (compiled.Check(value)) return { value }
    const error = compiled.Errors(value)[0]
    const where = [httpPart === 'body' ? 'the body' : 'the query', error?.instancePath.slice(1)].filter(Boolean)
    return { error: new HearsayError('BAD_REQUEST', `${where.join(': ')}: ${reasonOf(error)}`) }
  }
}

function reasonOf(error: { keyword: string; message: string; params?: object } | undefined): string {
  const { additionalProperties: names, allowedValues } = (error?.params ?? {}) as {
    additionalProperties?: string[]
    allowedValues?: unknown[]
  }
  if (allowedValues !== undefined) return `must be one of ${allowedValues.join(', ')}`
  if (error?.keyword === 'boolean') return 'there is no such parameter'
  return names === undefined ? (error?.message ?? 'it does not fit') : `unknown: ${names.join(', ')}`
}

/** Methods of each path; filled as routes are added. */
function methodsByPath(app: Api): Map<string, Set<string>> {
  const methods = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set()
    for (const one of [method].flat()) known.add(one)
    methods.set(url, known)
  })
  return methods
}

function answerUnknown(
  request: FastifyRequest,
  reply: FastifyReply,
  services: ApiServices,
  methods: Map<string, Set<string>>,
): FastifyReply {
  const allowed = methods.get(pathOfUrl(request.url))
  if (allowed === undefined) {
    const message = `there is no ${pathOfUrl(request.originalUrl)}; /openapi.json lists the routes`
    return answerError(new HearsayError('NOT_FOUND', message), request, reply, services)
  }
  reply.header('Allow', [...allowed].join(', '))
  const message = `${request.method} is not possible here; possible: ${[...allowed].join(', ')}`
  return answerError(new StatusError(405, 'BAD_REQUEST', message), request, reply, services)
}

function answerError(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  { log }: ApiServices,
): FastifyReply {
  const error = hearsayError(thrown)
  const problem = problemOf(error)
  const fields = { method: request.method, route: routeOf(request), code: error.code }
  if (error.code === 'INTERNAL')
    log.error({ event: 'defect', ...fields, err: error.cause ?? error }, 'a request failed by a defect')
  else if (error.code === 'SYSTEM_FAILED')
    log.error({ event: 'systemFailed', ...fields, err: error.cause }, error.message)
  else log.debug({ ...fields, status: problem.status }, error.message)
  const answer = notSniffed(reply).code(problem.status).header('Content-Type', problemType).removeHeader('connection')
  return hasUnreadBody(request) ? sendBeforeBody(request, answer, problem) : answer.send(JSON.stringify(problem))
}

function hasUnreadBody({ raw }: FastifyRequest): boolean {
  const announcesBody = raw.headers['transfer-encoding'] !== undefined || Number(raw.headers['content-length']) > 0
  return announcesBody && !raw.readableEnded
}

/**
 * The answer goes out at once, whole; the connection goes on, or is closed, once the rest of the body has been read.
 */
function sendBeforeBody(request: FastifyRequest, reply: FastifyReply, problem: object): FastifyReply {
  const body = Buffer.from(JSON.stringify(problem))
  const { raw } = reply.header('Content-Length', body.length).hijack()
  raw.writeHead(reply.statusCode, reply.getHeaders() as OutgoingHttpHeaders).write(body)
  drain(request.raw, () => raw.end())
  return reply
}
