/** Schemas of exports, imports and backups. */
import Type from 'typebox'
import { pageQuery, strict } from './parts.js'

/** Query of an export. */
export const exportQuery = Type.Object({ prefix: pageQuery.prefix }, strict)
/** JSON lines. */
export const linesShape = Type.String({
  description: 'One JSON object a line: `{key, type, versions: [{value, encoding, dot, node, time, expires?}]}`.',
})
/** What an import did. */
export const importShape = Type.Object({
  imported: Type.Integer(),
  skipped: Type.Integer({ description: 'Lines whose values were there already.' }),
  failed: Type.Array(Type.Object({ line: Type.Integer(), code: Type.String(), message: Type.String() })),
  failures: Type.Integer({ description: 'Failed lines in all; `failed` lists the first of them.' }),
})
/** A backup. */
export const backupShape = Type.String({
  format: 'binary',
  description:
    'The file that `hearsay restore` takes; whole only with its last block, which has a digest of all others.',
})
