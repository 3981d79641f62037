/**
 * Retry-safe writes: request, answer and update are in one batch, so that a repeated request finds its answer or no
 * trace.
 */
import { HearsayError } from '../errors.js'
import { ByteReader, ByteWriter } from '../model/bytes.js'
import { readDot, writeDot } from '../model/codec.js'
import type { Dot } from '../model/dot.js'
import { Postponed, type WriteTurn } from './access.js'
import type { OnceOptions } from './types.js'

/** Encoding of an answer that is kept for retries. */
export interface AnswerCodec<T> {
  write(writer: ByteWriter, answer: T): void
  read(reader: ByteReader): T
}

/** An answer of one dot. */
export const dotAnswer: AnswerCodec<Dot> = { write: writeDot, read: readDot }

/**
 * Runs a write once for each retry key: a repeated request gets the answer of the first. Throws RETRY_KEY_REUSED for
 * another request under the same key, and what the guard throws.
 */
export function once<T>(turn: WriteTurn, options: OnceOptions, codec: AnswerCodec<T>, run: () => T): T {
  const { retry, guard } = options
  const earlier = recalled(turn, options, codec)
  if (earlier !== undefined) return earlier
  passGuard(guard)
  const answer = run()
  if (retry !== undefined) {
    const writer = new ByteWriter(32)
    codec.write(writer, answer)
    turn.transaction.remember(retry.key, retry.requestHash, writer.finish())
  }
  return answer
}

/** Asks the guard of a write. Throws what refuses the write, or what has it wait (`Access.write` begins it again). */
export function passGuard(guard: OnceOptions['guard']): void {
  const waits = guard?.()
  if (waits !== undefined) throw new Postponed(waits)
}

/** The answer of an earlier request with the same retry key; undefined when there was none. Throws RETRY_KEY_REUSED. */
export function recalled<T>(turn: WriteTurn, { retry }: OnceOptions, codec: AnswerCodec<T>): T | undefined {
  const earlier = retry && turn.transaction.recall(retry.key)
  if (earlier === undefined) return undefined
  if (Buffer.compare(earlier.requestHash, retry!.requestHash) === 0) return codec.read(new ByteReader(earlier.answer))
  throw new HearsayError('RETRY_KEY_REUSED', 'this idempotency key was used for another request; take a new one')
}
