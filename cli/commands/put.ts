/** `hearsay put`: stores a value from an argument, a file or stdin. */

import { valueBytesMax } from '../../protocols/api/limits.js'
import type { Acks, PutOptions, Written } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { HearsayApiError, UsageError } from '../failure.js'
import { fileFailure } from '../file-failure.js'
import { count, type Output, printable } from '../output.js'
import { type ConflictPlace, placeOf, warnOfSiblings } from './get.js'

/** Stores a value. */
export const put: Action = async (invocation) => {
  const key = invocation.argument(0)
  const options = putOptionsOf(invocation)
  const written = await invocation.client().put(key, await readValue(invocation, 1), options)
  await reportPut(invocation.output, written, { json: invocation.json, what: 'stored' })
  await warnOfRest(invocation, written, placeOf(key))
}

/** Says on stderr that a put has left siblings: without a context it replaces only what a read showed. */
export async function warnOfRest(
  invocation: Invocation,
  { siblings = 1 }: Written,
  place: ConflictPlace,
): Promise<void> {
  if (siblings > 1)
    await warnOfSiblings(invocation, siblings, place, 'this put replaced what was shown, the others stay')
}

/** Says what a write did: for people one line, with the acknowledgements when others were asked for. */
export function reportPut(output: Output, written: Written, how: { json: boolean; what: string }): Promise<void> {
  if (how.json) return output.json(written)
  return output.line(`${how.what} ${printable(written.key)}${durableOn(written.acks)}`)
}

/** Text that names the nodes with a durable copy, when acknowledgements were asked for; else empty. */
export function durableOn({ have, nodes }: Pick<Acks, 'have' | 'nodes'>): string {
  return have > 1 ? `, durable on ${count(have, 'node')}: ${nodes.map(printable).join(', ')}` : ''
}

/** The flags of a put. Throws UsageError. */
export function putOptionsOf(invocation: Invocation): PutOptions {
  const context = invocation.text('context')
  const ttlMs = invocation.durationMs('ttl')
  return {
    ...invocation.nodes(),
    ...(context !== undefined && { context }),
    ...(ttlMs !== undefined && { ttlMs }),
    ...(invocation.flag('if-absent') && { ifAbsent: true }),
    ...invocation.once(),
  }
}

/**
 * The value of a put, from its argument at a position, from a file or from stdin. Throws UsageError, FILE_FAILED and
 * TOO_LARGE.
 */
export function readValue(invocation: Invocation, position: number): Promise<Uint8Array> | Uint8Array {
  const given = invocation.positionals[position]
  const file = invocation.text('file')
  if (file !== undefined && given !== undefined) throw new UsageError('give either VALUE or --file, not both')
  if (file !== undefined && file !== '-') return fromFile(file)
  if (given !== undefined && given !== '-') return Buffer.from(given, 'utf8')
  if (given === undefined && file === undefined && !invocation.io.stdinPiped) {
    throw new UsageError('there is no VALUE: give one, or --file FILE, or - to read stdin')
  }
  return collect(invocation.io.stdin)
}

async function fromFile(file: string): Promise<Uint8Array> {
  try {
    const { readFile, stat } = process.getBuiltinModule('node:fs/promises')
    if ((await stat(file)).size > valueBytesMax) throw oversized()
    return await readFile(file)
  } catch (error) {
    throw error instanceof HearsayApiError ? error : fileFailure('read', file, error)
  }
}

/** All bytes of a stream. Throws TOO_LARGE when there are more than any node takes. */
async function collect(stream: AsyncIterable<unknown>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const piece of stream) {
      const chunk = typeof piece === 'string' ? Buffer.from(piece, 'utf8') : (piece as Uint8Array)
      bytes += chunk.byteLength
      if (bytes > valueBytesMax) throw oversized()
      chunks.push(chunk)
    }
  } catch (error) {
    throw error instanceof HearsayApiError ? error : fileFailure('read', 'stdin', error)
  }
  return Buffer.concat(chunks)
}

function oversized(): HearsayApiError {
  return new HearsayApiError(
    'TOO_LARGE',
    0,
    `the value is over ${valueBytesMax} bytes, more than any node takes; nothing was stored`,
  )
}
