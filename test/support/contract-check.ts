/**
 * Requests to a fake daemon and its answers, against the rows of the contract: what a real one would not take or say is
 * told.
 */
import { Compile } from 'typebox/compile'
import { parseQuery, typedQuery } from '../../daemon/http/query.js'
import { anywhere } from '../../protocols/api/common.js'
import type { Endpoint } from '../../protocols/api/endpoint.js'
import { endpoints } from '../../protocols/api/endpoints.js'
import { partsOf } from '../../protocols/api/routes.js'
import type { FakeAnswer, Recorded } from './fake-api.js'

/** Describes what is wrong with a request or its answer; undefined when both keep to the contract. */
export function breachOf(request: Recorded, answer: FakeAnswer): string | undefined {
  const [path = '', query = ''] = request.url.split('?')
  const called = `${request.method} ${path}`
  const endpoint = endpointOf(request.method, path)
  if (endpoint === undefined) return `${called}: the contract has no such route`
  const wrong = wrongRequest(endpoint, query, request.body) ?? wrongAnswer(endpoint, answer)
  return wrong === undefined ? undefined : `${called}: ${wrong}`
}

function endpointOf(method: string, path: string): Endpoint | undefined {
  const given = path.split('/')
  return Object.values<Endpoint>(endpoints).find(({ route }) => {
    const parts = partsOf(route)
    const wanted = parts.path.split('/')
    if (parts.method !== method || wanted.length !== given.length) return false
    return wanted.every((segment, at) => segment.startsWith('{') || segment === given[at])
  })
}

function wrongRequest({ query, body }: Endpoint, text: string, bytes: Buffer): string | undefined {
  const asked = query === null ? undefined : mismatch(query, typedQuery(parseQuery(text), query))
  if (asked !== undefined) return `the query, ${asked}`
  const sent = body?.kind === 'json' ? mismatch(body.shape, JSON.parse(bytes.toString())) : undefined
  return sent === undefined ? undefined : `the body, ${sent}`
}

function wrongAnswer({ answer, errors }: Endpoint, given: FakeAnswer): string | undefined {
  const { status = 200, body, cut } = given
  if (cut !== undefined || body instanceof Uint8Array) return undefined
  if (status >= 400) {
    const code = (body as { code?: string } | undefined)?.code
    return [...anywhere, ...(errors ?? [])].some((one) => one === code)
      ? undefined
      : `the code ${code} is not of its row`
  }
  if (answer.kind === 'nothing') return status === 204 ? undefined : `it answers 204, not ${status}`
  const wrong = answer.shape === null ? undefined : mismatch(answer.shape as object, JSON.parse(JSON.stringify(body)))
  return wrong === undefined ? undefined : `the answer, ${wrong}`
}

function mismatch(shape: object, value: unknown): string | undefined {
  const compiled = Compile(shape as Parameters<typeof Compile>[0])
  if (compiled.Check(value)) return undefined
  const [error] = compiled.Errors(value)
  return `${error?.instancePath}: ${error?.message}`
}
