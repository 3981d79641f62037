/** Health, readiness, metrics, settings, the OpenAPI document, the dashboard. */
import type { FastifyPluginAsync } from 'fastify'
import { effectiveSettings } from '../../config/load.js'
import { dashboardHeaders, dashboardPage } from '../../web/dashboard.js'
import { type AnswerCounts, Metrics } from '../metrics.js'
import type { Api, ApiServices } from '../services.js'
import * as common from '../shapes/common.js'
import * as shapes from '../shapes/system.js'

/** The routes about the daemon itself. */
export function systemRoutes(services: ApiServices, answers: AnswerCounts): FastifyPluginAsync {
  return async (plain) => {
    const api = plain as unknown as Api
    addHealth(api, services)
    addConfig(api, services)
    addPages(api, services, new Metrics(services, answers))
  }
}

function addHealth(api: Api, { node }: ApiServices): void {
  const health = { summary: 'Whether the daemon is alive', response: { 200: shapes.healthShape } }
  api.get('/healthz', { schema: health }, async () => ({ status: 'ok' as const }))
  const ready = {
    summary: 'Whether clients are served, or why not; the body tells of verification and sync',
    response: { 200: shapes.readyShape, default: common.problemShape },
  }
  api.get('/readyz', { schema: ready }, async () => {
    const obstacle = node.obstacle()
    if (obstacle !== undefined) throw obstacle
    const verified = node.isVerified()
    const syncing = node.isSyncing()
    const waitsFor = node.unverifiedReason() ?? (syncing ? null : 'the network is starting')
    return { ready: true, verified, syncing, waitsFor }
  })
}

function addConfig(api: Api, { config }: ApiServices): void {
  const schema = {
    summary: 'The settings in effect and where each comes from; secrets left out',
    querystring: common.noQuery,
    response: { 200: shapes.configShape, default: common.problemShape },
  }
  api.get('/v1/config', { schema }, async () => ({ file: config.file, settings: effectiveSettings(config) }))
}

function addPages(api: Api, { openApi }: ApiServices, metrics: Metrics): void {
  const hidden = { hide: true }
  api.get(
    '/metrics',
    { schema: { summary: 'Prometheus metrics', response: { 200: shapes.textShape } } },
    async (_, reply) => {
      const { type, text } = await metrics.page()
      return reply.header('Content-Type', type).send(text)
    },
  )
  api.get('/openapi.json', { schema: hidden }, async (_, reply) =>
    reply.header('Content-Type', 'application/json; charset=utf-8').send(await openApi()),
  )
  api.get('/', { schema: hidden }, async (_, reply) => reply.headers(dashboardHeaders).send(dashboardPage))
}
