/** Answers of any size, written piece by piece, so that memory stays bounded whatever is asked for. */
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { contentTypes } from '../../protocols/api/headers.js'
import type { Log } from '../log/log.js'

/** Headers of server-sent events. */
export const eventStreamHeaders: Readonly<Record<string, string>> = {
  'Content-Type': `${contentTypes.events}; charset=utf-8`,
  'Cache-Control': 'no-store',
  'X-Accel-Buffering': 'no',
  'X-Content-Type-Options': 'nosniff',
}

/**
 * Answers with pieces as they come. When they fail the connection is cut, which the client sees; the log says of
 * `what`.
 */
export function sendStream(
  reply: FastifyReply,
  pieces: AsyncIterable<Buffer>,
  { type, what, log }: { readonly type: string; readonly what: string; readonly log: Log },
): FastifyReply {
  const stream = Readable.from(pieces, { objectMode: false })
  stream.on('error', (err) => log.error({ event: 'answerFailed', err }, `${what} ended early`))
  return reply.header('Content-Type', type).send(stream)
}

/**
 * JSON of a collection: `head`, then the items behind commas, then `tail`; one piece of text for each chunk. `first` is
 * a chunk that was read already.
 */
export async function* jsonStream<T>(
  head: string,
  first: readonly T[],
  rest: AsyncIterable<readonly T[]>,
  tail: string,
  write: (item: T) => string,
): AsyncGenerator<Buffer> {
  yield Buffer.from(head + first.map(write).join(','))
  for await (const chunk of rest) yield Buffer.from(`,${chunk.map(write).join(',')}`)
  yield Buffer.from(tail)
}
