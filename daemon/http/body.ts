/**
 * Bodies of requests: what a group of routes takes, read whole within a bound; what is refused is still read off the
 * connection, so that the answer arrives.
 */
import type { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { batchBodyBytesMax } from '../../protocols/api/limits.js'
import type { EncodedValue } from '../../protocols/api/parts.js'
import { checkNumbers } from '../../store/documents/json.js'
import { HearsayError } from '../../store/errors.js'
import { nestsTooDeep } from '../../store/model/json-text.js'
import { jsonDepthMax } from '../../store/model/limits.js'
import { decodeValue } from '../views/value-json.js'
import { bodyIdleMs, drainMsMax, jsonBodyBytesMax, jsonValueFactor } from './limits.js'
import { StatusError } from './problem.js'
import type { Api, ApiServices } from './services.js'
import { signInBodyBytesMax } from './sign-in/limits.js'

/** A request's body, and what its sender said of its length. */
export interface BodySource {
  readonly payload: Readable
  /** The Content-Length header. */
  readonly declaredBytes: string | undefined
  /** Name of what is too large, for the message. */
  readonly what: string
  /** The setting that the limit is; undefined when it cannot be moved. */
  readonly setting?: string | undefined
}

/**
 * The whole body, at most `bytesMax` bytes. Throws TOO_LARGE as soon as more is announced or has come; whoever answers
 * then drains the rest.
 */
export function readBody({ payload, declaredBytes, what, setting }: BodySource, bytesMax: number): Promise<Buffer> {
  if (declaredBytes !== undefined && Number(declaredBytes) > bytesMax) {
    return Promise.reject(tooLarge(what, bytesMax, setting))
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const idle = setTimeout(() => {
      fail(new StatusError(408, 'BAD_REQUEST', `the body stood still for ${bodyIdleMs / 1000} s; send it again`))
    }, bodyIdleMs)
    const stop = () => {
      clearTimeout(idle)
      payload.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
    }
    const fail = (error: Error) => {
      stop()
      reject(error)
    }
    const onData = (chunk: Buffer) => {
      idle.refresh()
      bytes += chunk.length
      chunks.push(chunk)
      if (bytes > bytesMax) fail(tooLarge(what, bytesMax, setting))
    }
    const onEnd = () => {
      stop()
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes))
    }
    const onError = () => fail(cut())
    const onClose = () => fail(cut())
    payload.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose)
  })
}

/**
 * Reads and drops the rest of a body, so that a client that sends first and reads later gets the answer: a connection
 * that is closed with bytes unread is reset, and takes the answer with it. Calls `done` at the end of the body or of
 * the time.
 */
export function drain(payload: Readable, done: () => void): void {
  const end = setTimeout(() => payload.destroy(), drainMsMax)
  end.unref()
  const stop = () => {
    clearTimeout(end)
    payload.off('error', stop).off('end', stop).off('close', stop)
    done()
  }
  if (payload.readableEnded || payload.destroyed) stop()
  else payload.on('error', stop).once('end', stop).once('close', stop).resume()
}

function tooLarge(what: string, bytesMax: number, setting: string | undefined): HearsayError {
  const details = { limit: bytesMax, ...(setting !== undefined && { setting }) }
  return new HearsayError('TOO_LARGE', `${what} is over the limit of ${bytesMax} bytes; nothing was stored`, details)
}

function cut(): StatusError {
  return new StatusError(400, 'BAD_REQUEST', 'the connection broke before the body was whole; send it again')
}

/** JSON of a body. Throws BAD_REQUEST. An empty body is an empty object. */
export function parseJson(bytes: Buffer): unknown {
  return bytes.length === 0 ? {} : readJson(bytes).value
}

/**
 * JSON of a body that is a document or a patch of one: no number of it is rounded. Throws BAD_REQUEST and BAD_DOCUMENT.
 */
export function parseDocument(bytes: Buffer): unknown {
  const { value, text } = readJson(bytes)
  checkNumbers(text)
  return value
}

/** The depth is looked at before anything that could run out of stack. */
function readJson(bytes: Buffer): { readonly value: unknown; readonly text: string } {
  if (nestsTooDeep(bytes)) {
    throw new HearsayError('BAD_REQUEST', `the body nests deeper than ${jsonDepthMax} levels; nothing was stored`)
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return { value: JSON.parse(text), text }
  } catch {
    throw new HearsayError('BAD_REQUEST', 'the body is not JSON in UTF-8')
  }
}

/** The setting that bounds what clients write. */
const valueSetting = 'values.maxBytes' as const

/** The bytes of a value in a JSON body. Throws BAD_REQUEST when it does not fit its encoding, and TOO_LARGE. */
export function boundedValue(value: string, encoding: EncodedValue['encoding'] | undefined, bytesMax: number): Buffer {
  const bytes = decodeValue(value, encoding)
  if (bytes.length <= bytesMax) return bytes
  throw tooLarge('the value', bytesMax, valueSetting)
}

function sourceOf(request: FastifyRequest, payload: FastifyRequest['raw'], what: string) {
  return { payload, declaredBytes: request.headers['content-length'], what }
}

/** Bodies are bytes, as many as `values.maxBytes` says, whatever their type. */
function takeBytes(api: Api, what: string, { config }: ApiServices): void {
  api.removeAllContentTypeParsers()
  api.addContentTypeParser('*', (request: FastifyRequest, payload: FastifyRequest['raw']) =>
    readBody({ ...sourceOf(request, payload, what), setting: valueSetting }, config.settings[valueSetting]),
  )
}

/** Bodies are values. */
export function takeValues(api: Api, services: ApiServices): void {
  takeBytes(api, 'the value', services)
}

/** Bodies are documents, or patches of one. */
export function takeDocuments(api: Api, services: ApiServices): void {
  takeBytes(api, 'the document', services)
}

/** Bodies are JSON, at most `bytesMax` bytes; an absent one is an empty object. */
function takeJson(api: Api, bytesMax: number): void {
  api.removeAllContentTypeParsers()
  api.addContentTypeParser('*', async (request: FastifyRequest, payload: FastifyRequest['raw']) =>
    parseJson(await readBody(sourceOf(request, payload, 'the body'), bytesMax)),
  )
  api.addHook('preValidation', (request, _reply, done) => {
    request.body ??= {}
    done()
  })
}

/** Bodies are JSON without large values. */
export function takeSmallJson(api: Api): void {
  takeJson(api, jsonBodyBytesMax)
}

/** Bodies are the JSON of a sign-in. */
export function takeSignIn(api: Api): void {
  takeJson(api, signInBodyBytesMax)
}

/** Bodies are JSON that may hold one value. */
export function takeJsonValues(api: Api, { config }: ApiServices): void {
  takeJson(api, config.settings[valueSetting] * jsonValueFactor + jsonBodyBytesMax)
}

/** Bodies are batches. */
export function takeBatches(api: Api): void {
  takeJson(api, batchBodyBytesMax)
}

/** Bodies are left on the connection for the route to read. */
export function takeStream(api: Api): void {
  api.removeAllContentTypeParsers()
  api.addContentTypeParser('*', (_request, _payload, done) => done(null))
}
