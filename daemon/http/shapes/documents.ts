/** Schemas of documents. */
import Type from 'typebox'
import { getQuery, writeHeaders } from './common.js'
import { putQuery } from './kv.js'
import { nodesQuery, strict } from './parts.js'

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
/** A document: the JSON itself, or with `conflicts` what is known of it. */
export const documentShape = Type.Union([
  Type.Record(Type.String(), Type.Unknown(), { description: 'The document itself.' }),
  Type.Object(
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
  ),
])
/** Headers of a patch. */
export const patchHeaders = Type.Object({
  'content-type': Type.Union([
    Type.Literal('application/merge-patch+json'),
    Type.Literal('application/json-patch+json'),
  ]),
  ...writeHeaders.properties,
})
