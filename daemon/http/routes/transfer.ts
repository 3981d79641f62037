/** Import and export: JSON lines, streamed both ways. */
import { contentTypes } from '../../../protocols/api/headers.js'
import { importLineBytesMax } from '../../../protocols/api/limits.js'
import { transfer } from '../../../protocols/api/transfer.js'
import { takeStream } from '../body.js'
import type { Handler, RouteGroup } from '../endpoints.js'
import { sendStream } from '../streams.js'
import { exportLines } from '../transfer/exporter.js'
import { Importer } from '../transfer/importer.js'
import { readLines } from '../transfer/lines.js'
import { refuseWrongClock } from '../writes.js'

const exportEntries: Handler<typeof transfer.exportEntries> = async (request, reply, { contents, mesh, log }) => {
  const lines = exportLines(contents, mesh, request.query.prefix ?? '')
  return sendStream(reply, lines, { type: contentTypes.lines, what: 'an export', log })
}

const importEntries: Handler<typeof transfer.importEntries> = async (request, _reply, services) => {
  const { contents, config, mesh, nowMs } = services
  const importer = new Importer(contents, config.settings['values.maxBytes'], nowMs(), () => refuseWrongClock(mesh))
  return importer.run(readLines(request.raw, importLineBytesMax))
}

/** /v1/export and /v1/import. */
export const transferRoutes: RouteGroup<typeof transfer> = {
  endpoints: transfer,
  bodies: takeStream,
  handlers: { exportEntries, importEntries },
}
