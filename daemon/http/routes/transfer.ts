/** Import and export: JSON lines, streamed both ways. */
import type { FastifyPluginAsync } from 'fastify'
import { takeStream } from '../body.js'
import { importLineBytesMax } from '../limits.js'
import type { Api, ApiServices } from '../services.js'
import * as common from '../shapes/common.js'
import * as shapes from '../shapes/transfer.js'
import { sendStream } from '../streams.js'
import { exportLines } from '../transfer/exporter.js'
import { Importer } from '../transfer/importer.js'
import { readLines } from '../transfer/lines.js'
import { refuseWrongClock } from '../writes.js'

/** /v1/export and /v1/import. */
export function transferRoutes(services: ApiServices): FastifyPluginAsync {
  return async (plain) => {
    const api = plain as unknown as Api
    takeStream(api)
    addExport(api, services)
    addImport(api, services)
  }
}

function addExport(api: Api, { contents, mesh, log }: ApiServices): void {
  const schema = {
    summary: 'All entries as JSON lines, every version kept',
    querystring: shapes.exportQuery,
    response: { 200: shapes.linesShape, default: common.problemShape },
  }
  api.get('/v1/export', { schema }, async (request, reply) => {
    const lines = exportLines(contents, mesh, request.query.prefix ?? '')
    return sendStream(reply, lines, { type: 'application/x-ndjson', what: 'an export', log })
  })
}

function addImport(api: Api, { contents, config, mesh, nowMs }: ApiServices): void {
  const schema = {
    summary: 'Imports JSON lines; a line whose value is live already is skipped',
    querystring: common.noQuery,
    response: { 200: shapes.importShape, default: common.problemShape },
  }
  api.post('/v1/import', { schema }, async (request) => {
    const importer = new Importer(contents, config.settings['values.maxBytes'], nowMs(), () => refuseWrongClock(mesh))
    return importer.run(readLines(request.raw, importLineBytesMax))
  })
}
