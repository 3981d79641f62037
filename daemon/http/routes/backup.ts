/** Backups: the whole store and the secrets of the node as one stream of bytes. */
import { contentTypes } from '../../../protocols/api/headers.js'
import { backups } from '../../../protocols/api/transfer.js'
import type { Handler, RouteGroup } from '../endpoints.js'
import { sendStream } from '../streams.js'

const takeBackup: Handler<typeof backups.takeBackup> = async (_request, reply, services) => {
  const pieces = services.backups.take()
  reply.header('Cache-Control', 'no-store')
  return sendStream(reply, pieces, { type: contentTypes.backup, what: 'a backup', log: services.log })
}

/** /v1/backup. */
export const backupRoutes: RouteGroup<typeof backups> = { endpoints: backups, handlers: { takeBackup } }
