/** HTTP requests whose paths and headers nothing rewrites. */
import { type IncomingHttpHeaders, request } from 'node:http'

/** Target of a request. */
export type RequestTarget = { readonly socketPath: string } | { readonly host: string; readonly port: number }

/** A request. */
export interface RawRequest {
  readonly path: string
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string | Uint8Array | undefined
}

/** An answer, whole. */
export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** One request over a connection of its own. */
export function requestRaw(
  where: RequestTarget,
  { path, method = 'GET', headers = {}, body }: RawRequest,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...where, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
