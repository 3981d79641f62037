/** Health, readiness, metrics, settings, the OpenAPI document, the dashboard. */
import { contentTypes } from '../../../protocols/api/headers.js'
import { system } from '../../../protocols/api/system.js'
import { HearsayError } from '../../../store/errors.js'
import { effectiveSettings } from '../../config/load.js'
import { dashboardHeaders, dashboardPage } from '../../web/dashboard.js'
import type { Handler, RouteGroup } from '../endpoints.js'
import type { Metrics } from '../metrics.js'

const getHealth: Handler<typeof system.getHealth> = async () => ({ status: 'ok' })

const getReadiness: Handler<typeof system.getReadiness> = async (_request, _reply, { node }) => {
  const obstacle = node.obstacle()
  const verification = node.verification()
  if (obstacle !== undefined) {
    const { code, message, details } = obstacle
    throw new HearsayError(code, message, { ...details, verification }, { cause: obstacle.cause })
  }
  const verified = node.isVerified()
  const syncing = node.isSyncing()
  const waitsFor = node.unverifiedReason() ?? (syncing ? null : 'the network is starting')
  return { ready: true, verified, syncing, waitsFor, verification }
}

const getConfig: Handler<typeof system.getConfig> = async (_request, _reply, { config }) => {
  return { file: config.file, settings: effectiveSettings(config) }
}

const getOpenApi: Handler<typeof system.getOpenApi> = async (_request, reply, { openApi }) =>
  reply.header('Content-Type', `${contentTypes.json}; charset=utf-8`).send(await openApi())

const getDashboard: Handler<typeof system.getDashboard> = async (_request, reply) =>
  reply.headers(dashboardHeaders).send(dashboardPage)

/** The routes about the daemon itself. */
export function systemRoutes(metrics: Metrics): RouteGroup<typeof system> {
  const getMetrics: Handler<typeof system.getMetrics> = async (_request, reply) => {
    const { type, text } = await metrics.page()
    return reply.header('Content-Type', type).send(text)
  }
  const handlers = { getHealth, getReadiness, getConfig, getMetrics, getOpenApi, getDashboard }
  return { endpoints: system, handlers }
}
