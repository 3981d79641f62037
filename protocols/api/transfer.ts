/** Exports, imports and backups. */
import Type from 'typebox'
import { noQuery } from './common.js'
import { type Endpoint, json, type Shape, sent } from './endpoint.js'
import { pageQuery, strict } from './parts.js'
import { routes } from './routes.js'

/** Query of an export. */
export const exportQuery = Type.Object({ prefix: pageQuery.prefix }, strict)
/** JSON lines. */
export const linesShape = Type.String({
  description: 'One JSON object a line: `{key, type, versions: [{value, encoding, dot, node, time, expires?}]}`.',
})
/** Result of an import: numbers of lines imported and skipped, and the lines that failed. */
export const importShape = Type.Object({
  imported: Type.Integer(),
  skipped: Type.Integer({ description: 'Lines whose values were there already.' }),
  failed: Type.Array(Type.Object({ line: Type.Integer(), code: Type.String(), message: Type.String() })),
  failures: Type.Integer({ description: 'Failed lines in all; `failed` lists the first of them.' }),
})
/** Result of an import: numbers of lines imported and skipped, and the lines that failed. */
export type ImportSummary = Shape<typeof importShape>
/** A backup. */
export const backupShape = Type.String({
  format: 'binary',
  description: 'The file that a restore reads; complete only with its last block, which has a digest of all others.',
})

/** The endpoints of JSON lines. */
export const transfer = {
  exportEntries: {
    route: routes.exportEntries,
    summary: 'All entries as JSON lines, every version kept',
    query: exportQuery,
    answer: sent(linesShape),
    errors: [],
  },
  importEntries: {
    route: routes.importEntries,
    summary: 'Imports JSON lines; a line whose value is live already is skipped',
    query: noQuery,
    answer: json(importShape),
    errors: ['CLOCK_OFF', 'TOO_BUSY'],
  },
} as const satisfies Readonly<Record<string, Endpoint>>

/** The endpoint of backups. */
export const backups = {
  takeBackup: {
    route: routes.takeBackup,
    summary: 'A backup of this node as of now, with its identity and the mesh secret: keep it secret',
    query: noQuery,
    answer: sent(backupShape),
    errors: [],
    head: false,
  },
} as const satisfies Readonly<Record<string, Endpoint>>
