/**
 * Endpoints of the contract put on the router: their schemas, the checks before a body, and the handlers that the
 * compiler holds to them.
 */
import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  HookHandlerDoneFunction,
  RouteHandlerMethod,
} from 'fastify'
import Type from 'typebox'
import { problemShape, segments } from '../../protocols/api/common.js'
import type { AnswerOf, BodyOf, Endpoint, NoAnswer, QueryOf, SentAnswer } from '../../protocols/api/endpoint.js'
import { partsOf } from '../../protocols/api/routes.js'
import { checkSegments, patternOf } from './paths.js'
import type { AnyRequest, ApiServices } from './services.js'

/** A request to an endpoint, typed by its row. */
export type RequestOf<E extends Endpoint> = FastifyRequest<{ Querystring: QueryOf<E>; Body: BodyOf<E> }>

/** Result of a handler: the JSON that the row says; nothing; or the reply that it has sent itself. */
export type AnsweredBy<E extends Endpoint> = E['answer'] extends NoAnswer
  ? // biome-ignore lint/suspicious/noConfusingVoidType: a handler that has nothing to answer returns nothing
    void
  : E['answer'] extends SentAnswer
    ? FastifyReply
    : AnswerOf<E>

/** Handler of an endpoint. An answer that is missing, or not of the row, does not compile. */
export type Handler<E extends Endpoint> = (
  request: RequestOf<E>,
  reply: FastifyReply,
  services: ApiServices,
) => AnsweredBy<E> | Promise<AnsweredBy<E>>

/** Rows of the contract, by name. */
export type Endpoints = Readonly<Record<string, Endpoint>>

/** Endpoints that take their bodies in the same way, with a handler for each. */
export interface RouteGroup<Es extends Endpoints> {
  readonly endpoints: Es
  /** Says how the router reads bodies. Absent: there are none. */
  readonly bodies?: (api: FastifyInstance, services: ApiServices) => void
  readonly handlers: { readonly [Name in keyof Es]: Handler<Es[Name]> }
  /**
   * Checks to be made before a body is read, beside those of the path; they throw the error of a request that fails.
   */
  readonly beforeBody?: { readonly [Name in keyof Es]?: (request: AnyRequest) => unknown }
}

/** A group as the router takes it: what its rows promise has been checked where it is written. */
export interface AnyRouteGroup extends Omit<RouteGroup<Endpoints>, 'handlers'> {
  readonly handlers: Readonly<Record<string, unknown>>
}

/** The addresses of a group on the router. */
export function urlsOf({ endpoints }: AnyRouteGroup): string[] {
  return Object.values(endpoints).map(({ route }) => patternOf(partsOf(route).path))
}

/** Makes the plugin that adds a group to the router. */
export function pluginOf(group: AnyRouteGroup, services: ApiServices): FastifyPluginAsync {
  return async (api) => {
    group.bodies?.(api, services)
    for (const name of Object.keys(group.endpoints)) {
      const endpoint: Endpoint = group.endpoints[name]!
      // Here the types of rows end: the router hands over what the schemas of this very row have let through.
      const handler = group.handlers[name] as AnyHandler
      const { method, path } = partsOf(endpoint.route)
      api.route({
        method,
        url: patternOf(path),
        schema: schemaOf(endpoint),
        exposeHeadRoute: endpoint.head ?? true,
        handler: answering(endpoint, handler, services),
        ...(endpoint.body?.kind === 'bytes' && { onRequest: checksBeforeBody(path, group.beforeBody?.[name]) }),
      })
    }
  }
}

/** A handler behind the router. */
type AnyHandler = (request: FastifyRequest, reply: FastifyReply, services: ApiServices) => unknown

function answering(endpoint: Endpoint, handler: AnyHandler, services: ApiServices): RouteHandlerMethod {
  switch (endpoint.answer.kind) {
    case 'json':
      return (request, reply) => handler(request, notSniffed(reply), services)
    case 'nothing':
      return async (request, reply) => {
        await handler(request, notSniffed(reply), services)
        return reply.code(204).send()
      }
    case 'sent':
      return (request, reply) => {
        const answered = handler(request, notSniffed(reply), services)
        // The router would wait for a reply that is given back in the same turn, though it is sent.
        return answered === reply ? undefined : answered
      }
  }
}

/** The reply, of which browsers take what it says it is: nothing that was stored shall run in them. */
export function notSniffed(reply: FastifyReply): FastifyReply {
  return reply.header('X-Content-Type-Options', 'nosniff')
}

/** A bad path is answered at once, not behind megabytes of a body. */
function checksBeforeBody(path: string, check: ((request: AnyRequest) => unknown) | undefined) {
  return (request: AnyRequest, _reply: unknown, done: HookHandlerDoneFunction): void => {
    check?.(request)
    checkSegments(path, request.originalUrl)
    done()
  }
}

/** The schema of a row as the router takes it, for validation and for the OpenAPI document. */
function schemaOf({ route, summary, query, headers, body, answer, errors }: Endpoint): object {
  if (summary === null) return { hide: true }
  const names = [...partsOf(route).path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as keyof typeof segments)
  const params = Type.Object(Object.fromEntries(names.map((name) => [name, segments[name]])))
  return {
    summary,
    ...(names.length > 0 && { params }),
    ...(query !== null && { querystring: query }),
    ...(headers !== undefined && { headers }),
    ...(body?.kind === 'json' && { body: body.shape }),
    response: {
      ...(answer.kind === 'nothing' ? { 204: done } : { 200: answer.shape }),
      ...(errors !== null && { default: problemShape }),
    },
  }
}

const done = Type.Null({ description: 'Done; no body.' })
