/** Splits a stream of bytes into lines of bounded length. */
import type { Readable } from 'node:stream'

/** One line without its end; null when it was over the limit and dropped. */
export type TransferLine = Buffer | null

const newline = 0x0a

/**
 * Lines of a stream, those of a chunk together; one longer than `bytesMax` is dropped as it comes and given as null.
 * The last may lack its end.
 */
export async function* readLines(source: Readable, bytesMax: number): AsyncGenerator<readonly TransferLine[]> {
  let parts: Buffer[] = []
  let bytes = 0
  const take = (): TransferLine => {
    const line = bytes > bytesMax ? null : parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    parts = []
    bytes = 0
    return line
  }
  const add = (part: Buffer) => {
    bytes += part.length
    if (bytes > bytesMax) parts = []
    else parts.push(part)
  }
  // The stream stays open when its reader stops: the answer goes over the same connection.
  for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    const lines: TransferLine[] = []
    let start = 0
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      add(chunk.subarray(start, end))
      lines.push(take())
      start = end + 1
    }
    if (start < chunk.length) add(chunk.subarray(start))
    yield lines
  }
  if (bytes > 0) yield [take()]
}
