/** Tells the router what the bodies of a group of routes are. */
import type { FastifyRequest } from 'fastify'
import { parseJson, readBody } from './body.js'
import type { Api } from './services.js'

function sourceOf(request: FastifyRequest, payload: FastifyRequest['raw'], what: string) {
  return { payload, declaredBytes: request.headers['content-length'], what }
}

/** Bodies are bytes, at most `bytesMax` of them, whatever their type. */
export function takeBytes(api: Api, what: string, bytesMax: number): void {
  api.removeAllContentTypeParsers()
  api.addContentTypeParser('*', (request: FastifyRequest, payload: FastifyRequest['raw']) =>
    readBody(sourceOf(request, payload, what), bytesMax),
  )
}

/** Bodies are JSON, at most `bytesMax` bytes; an absent one is an empty object. */
export function takeJson(api: Api, bytesMax: number): void {
  api.removeAllContentTypeParsers()
  api.addContentTypeParser('*', async (request: FastifyRequest, payload: FastifyRequest['raw']) =>
    parseJson(await readBody(sourceOf(request, payload, 'the body'), bytesMax)),
  )
  api.addHook('preValidation', (request, _reply, done) => {
    request.body ??= {}
    done()
  })
}

/** Bodies are left on the connection for the route to read. */
export function takeStream(api: Api): void {
  api.removeAllContentTypeParsers()
  api.addContentTypeParser('*', (_request, _payload, done) => done(null))
}
