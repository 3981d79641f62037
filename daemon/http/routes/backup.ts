/** Backups: the whole store and the secrets of the node as one stream of bytes. */
import type { FastifyPluginAsync } from 'fastify'
import type { Api, ApiServices } from '../services.js'
import * as common from '../shapes/common.js'
import * as shapes from '../shapes/transfer.js'
import { sendStream } from '../streams.js'

/** The content type of a backup. */
const backupType = 'application/vnd.hearsay.backup'

/** /v1/backup. */
export function backupRoutes({ backups, log }: ApiServices): FastifyPluginAsync {
  return async (plain) => {
    const api = plain as unknown as Api
    const schema = {
      summary: 'A backup of this node as of now, with its identity and the mesh secret: keep it secret',
      querystring: common.noQuery,
      response: { 200: shapes.backupShape, default: common.problemShape },
    }
    api.get('/v1/backup', { schema, exposeHeadRoute: false }, async (_, reply) => {
      const pieces = backups.take()
      reply.header('Cache-Control', 'no-store')
      return sendStream(reply, pieces, { type: backupType, what: 'a backup', log })
    })
  }
}
