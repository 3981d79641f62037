/** The OpenAPI 3.1 document: made from the very schemas that check requests, at build time; served from a file. */
import { readFile } from 'node:fs/promises'
import type { ApiServices } from './services.js'

const builtFile = new URL('./openapi.json', import.meta.url)

let text: Promise<string> | undefined

/** The document as JSON: the built file, or made now when running from sources that were never built. */
export function openApiText(): Promise<string> {
  text ??= readFile(builtFile, 'utf8').catch(() => buildOpenApi())
  return text
}

/** Makes the document. Loads what is needed for that alone; the daemon itself never does. */
export async function buildOpenApi(): Promise<string> {
  const [{ default: swagger }, { createApi }, { loadConfig }, { silentLog }] = await Promise.all([
    import('@fastify/swagger'),
    import('./app.js'),
    import('../config/load.js'),
    import('../log/log.js'),
  ])
  const config = await loadConfig({ flags: { data: '/nonexistent' }, environment: {}, home: '/', hostname: 'node' })
  // The routes are only listed, never called: what they would work with is not there.
  const services = { config, log: silentLog, stopping: new AbortController().signal } as unknown as ApiServices
  const app = await createApi(services, {
    before: async (api) => void (await api.register(swagger as never, { openapi: heading })),
  })
  try {
    const document = (app as unknown as { swagger(): object }).swagger()
    return `${JSON.stringify(document, null, 2)}\n`
  } finally {
    await app.close()
  }
}

const heading = {
  openapi: '3.1.0',
  info: {
    title: 'hearsay',
    version: '1',
    description: 'The HTTP API of a hearsay daemon. Errors are application/problem+json with a stable `code`.',
  },
  components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  security: [{ token: [] }],
}
