/** The form of a row of the contract, and what is read from it: the types of a request and its answer. */
import type { Static, TObject, TSchema } from 'typebox'
import type { ErrorCode } from '../../store/errors.js'
import type { Route } from './routes.js'

/** One endpoint: everything that is asked and answered under one route. */
export interface Endpoint {
  readonly route: Route
  /** Summary for the OpenAPI document; null: the endpoint is left out of it. */
  readonly summary: string | null
  /** Null: the query is not looked at. */
  readonly query: TObject | null
  /** Headers beside those of HTTP itself. */
  readonly headers?: TObject
  /**
   * Form of the body: JSON of a shape, or whole bytes. Absent if there is no body, or if the handler reads it from the
   * connection.
   */
  readonly body?: JsonBody | BytesBody
  readonly answer: Answer
  /**
   * The codes that it refuses with, beside those that any endpoint may answer (`anywhere` in `common.ts`); null: it
   * refuses nothing.
   */
  readonly errors: readonly ErrorCode[] | null
  /** False: a HEAD would do all the work of the GET, or never end, and is refused. */
  readonly head?: false
}

/** JSON of this shape. */
export interface JsonBody<S extends TSchema = TSchema> {
  readonly kind: 'json'
  readonly shape: S
}

/** Bytes, which may be large: what is wrong with the path is answered before they are read. */
export interface BytesBody {
  readonly kind: 'bytes'
}

/**
 * An answer: JSON of a shape, which the handler returns; nothing; or what the handler sends itself, described by a
 * shape.
 */
export type Answer = JsonAnswer | NoAnswer | SentAnswer

/** The handler returns JSON of this shape. */
export interface JsonAnswer<S extends TSchema = TSchema> {
  readonly kind: 'json'
  readonly shape: S
}

/** Status 204. */
export interface NoAnswer {
  readonly kind: 'nothing'
}

/** The handler sends bytes or a stream; `shape` describes them, or their JSON form. */
export interface SentAnswer<S = unknown> {
  readonly kind: 'sent'
  readonly shape: S
}

/** JSON of a shape, as a body or as an answer. */
export function json<S extends TSchema>(shape: S): JsonBody<S> {
  return { kind: 'json', shape }
}

/** Bytes as a body. */
export const bytes: BytesBody = { kind: 'bytes' }
/** An answer without a body. */
export const nothing: NoAnswer = { kind: 'nothing' }

/** An answer that the handler sends itself. */
export function sent<S>(shape: S): SentAnswer<S> {
  return { kind: 'sent', shape }
}

/** The values that have a shape; read-only, as all that has come or goes over the wire. */
export type Shape<S extends TSchema> = Frozen<Static<S>>

type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]: Frozen<T[Name]> }
    : T

/** The query of an endpoint. */
export type QueryOf<E extends Endpoint> = E['query'] extends TSchema ? Shape<E['query']> : unknown
/** The body of an endpoint as its handler gets it. */
export type BodyOf<E extends Endpoint> =
  E['body'] extends JsonBody<infer S> ? Shape<S> : E['body'] extends BytesBody ? Buffer | undefined : unknown
/** The JSON that an endpoint answers with; of one that sends by itself the JSON form, where it has one. */
export type AnswerOf<E extends Endpoint> = E['answer'] extends { readonly shape: infer S extends TSchema }
  ? Shape<S>
  : undefined
