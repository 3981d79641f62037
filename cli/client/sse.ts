/** Reads server-sent events as our daemons send them: `id`, `data` and comments. */
import { HearsayApiError } from '../failure.js'
import { eventBytesMax } from '../limits.js'

/** One block of a stream: an event, or only a position. */
export interface SseBlock {
  /** Name of the event; undefined when it has none. */
  readonly name: string | undefined
  readonly id: string | undefined
  readonly data: string | undefined
}

const lineEnd = 0x0a

/**
 * The blocks of a stream that comes in any pieces; the last one is left out unless it is whole. Throws TOO_LARGE for a
 * line beyond all bounds.
 */
export async function* sseBlocks(source: AsyncIterable<Buffer>): AsyncGenerator<SseBlock> {
  let event: string | undefined
  let id: string | undefined
  let data: string | undefined
  for await (const line of linesOf(source)) {
    const [, name, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!
    if (line === '') {
      if (id !== undefined || data !== undefined) yield { name: event, id, data }
      event = undefined
      id = undefined
      data = undefined
    } else if (name === 'id') id = value ?? ''
    else if (name === 'event') event = value ?? ''
    else if (name === 'data') data = data === undefined ? (value ?? '') : `${data}\n${value ?? ''}`
  }
}

async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of source) {
    let start = 0
    for (let end = chunk.indexOf(lineEnd); end !== -1; end = chunk.indexOf(lineEnd, start)) {
      parts.push(chunk.subarray(start, end))
      yield Buffer.concat(parts).toString('utf8').replace(/\r$/, '')
      parts = []
      bytes = 0
      start = end + 1
    }
    parts.push(chunk.subarray(start))
    bytes += chunk.length - start
    if (bytes > eventBytesMax) throw new HearsayApiError('TOO_LARGE', 0, `an event is over ${eventBytesMax} bytes`)
  }
}
