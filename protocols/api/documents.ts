/** Documents. */
import Type from 'typebox'
import { getQuery, readErrors, writeErrors, writeHeaders, writeQuery } from './common.js'
import { bytes, type Endpoint, json, nothing, type Shape } from './endpoint.js'
import { contentTypes } from './headers.js'
import { deleteQuery, putQuery, writtenShape } from './kv.js'
import { nodesQuery, strict } from './parts.js'
import { routes } from './routes.js'

/** Query of a read of a document. */
export const documentQuery = Type.Object(
  {
    ...getQuery.properties,
    conflicts: Type.Optional(Type.Boolean({ description: 'List the places inside that hold concurrent values.' })),
  },
  strict,
)
/** Query of a put of a document. */
export const documentPutQuery = Type.Object({ ...nodesQuery, ifAbsent: putQuery.properties.ifAbsent }, strict)
/**
 * A document as it is shown, all versions merged, with the concurrent values inside; `context` is the token of all that
 * is shown.
 */
export const documentShown = Type.Object(
  {
    key: Type.String(),
    context: Type.String(),
    dot: Type.String(),
    siblings: Type.Integer({ description: 'Versions that differ; they are shown merged.' }),
    unreadable: Type.Integer({ description: 'Versions that this node cannot read; they are kept.' }),
    document: Type.Record(Type.String(), Type.Unknown()),
    conflicts: Type.Array(
      Type.Object({
        path: Type.String({
          description: 'A JSON pointer into the document, or into a value listed for a place before it.',
        }),
        values: Type.Array(Type.Unknown(), { description: 'All concurrent values, the shown one first.' }),
      }),
    ),
  },
  { description: 'With `conflicts=true`.' },
)
/**
 * A document as it is shown, all versions merged, with the concurrent values inside; `context` is the token of all that
 * is shown.
 */
export type DocumentShown = Shape<typeof documentShown>
/** A document: the JSON itself, or with `conflicts` what is known of it. */
export const documentShape = Type.Union([
  Type.Record(Type.String(), Type.Unknown(), { description: 'The document itself.' }),
  documentShown,
])
/** Headers of a patch. */
export const patchHeaders = Type.Object({
  'content-type': Type.Union([Type.Literal(contentTypes.mergePatch), Type.Literal(contentTypes.jsonPatch)]),
  ...writeHeaders.properties,
})

/** Codes of whatever edits a document. */
const editErrors = [
  ...writeErrors,
  'BAD_CONTEXT',
  'BAD_DOCUMENT',
  'BASE_UNKNOWN',
  'DOCUMENT_UNREADABLE',
  'EXISTS',
  'TOO_MANY_SIBLINGS',
] as const

/** The endpoints below /v1/docs. */
export const documents = {
  getDocument: {
    route: routes.getDocument,
    summary: 'Reads a document: all versions merged; with `conflicts` also the concurrent values inside',
    query: documentQuery,
    answer: json(documentShape),
    errors: [...readErrors, 'DOCUMENT_UNREADABLE', 'TOO_BUSY'],
  },
  putDocument: {
    route: routes.putDocument,
    summary: 'Makes a document show this JSON: what differs is written, so that concurrent edits merge',
    query: documentPutQuery,
    headers: writeHeaders,
    body: bytes,
    answer: json(writtenShape),
    errors: editErrors,
  },
  patchDocument: {
    route: routes.patchDocument,
    summary: 'Patches a document: RFC 7396 or RFC 6902, by the content type',
    query: writeQuery,
    headers: patchHeaders,
    body: bytes,
    answer: json(writtenShape),
    errors: [...editErrors, 'UNSUPPORTED_TYPE', 'BAD_PATCH', 'PATCH_FAILED'],
  },
  deleteDocument: {
    route: routes.deleteDocument,
    summary: 'Deletes a document; edits that this node has not seen survive',
    query: deleteQuery,
    headers: writeHeaders,
    answer: nothing,
    errors: [...writeErrors, 'BAD_CONTEXT', 'DOCUMENT_UNREADABLE'],
  },
} as const satisfies Readonly<Record<string, Endpoint>>
