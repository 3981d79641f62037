/** Splits a stream of bytes into lines of bounded length. */

import { importLineBytesMax } from '../../protocols/api/limits.js'
import { HearsayApiError } from '../failure.js'

const lineEnd = 0x0a

/**
 * Each line with its line end; the last one gets one if it has none.
 * @throws HearsayApiError TOO_LARGE when one is over `importLineBytesMax`.
 */
export async function* splitLines(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer[] = []
  let restBytes = 0
  let line = 1
  for await (const chunk of source) {
    let start = 0
    for (let end = chunk.indexOf(lineEnd); end !== -1; end = chunk.indexOf(lineEnd, start)) {
      yield joined(rest, chunk.subarray(start, end + 1))
      rest = []
      restBytes = 0
      start = end + 1
      line++
    }
    rest.push(chunk.subarray(start))
    restBytes += chunk.byteLength - start
    if (restBytes > importLineBytesMax) throw oversized(line, 'line')
  }
  if (restBytes > 0) yield joined(rest, Buffer.from('\n'))
}

/** The error for an entry that is over the limit. */
export function oversized(line: number, what: string): HearsayApiError {
  return new HearsayApiError('TOO_LARGE', 0, `${what} ${line} is over ${importLineBytesMax} bytes: is it JSON lines?`)
}

function joined(rest: Buffer[], last: Buffer): Buffer {
  return rest.length === 0 ? last : Buffer.concat([...rest, last])
}
