/**
 * Removing a whole collection: a bounded number of elements in each batch; a repeated request removes nothing that has
 * come since.
 */
import type { HearsayError } from '../errors.js'
import type { Dot } from '../model/dot.js'
import type { Access, WriteTurn } from './access.js'
import { dotAnswer, once, passGuard, recalled } from './once.js'
import type { OnceOptions } from './types.js'

/** Elements removed in one durable batch. */
const elementsAtOnce = 1_000

/** Operations by which a collection is removed. */
export interface Clearing<T> {
  /** Elements of the collection, in chunks. */
  readonly elements: AsyncIterable<readonly T[]>
  /** Removes one inside a write; undefined when it has gone meanwhile. */
  remove(turn: WriteTurn, element: T): Dot | undefined
  /** Refuses before anything is removed; not asked for a repeated request. */
  check?(): Promise<void>
  /** The error when there is nothing. */
  absent(): HearsayError
}

/**
 * Removes everything that is seen here. Resolves with the last delete, which is remembered in the last batch: a request
 * that was cut short goes on when it is repeated, one that was answered does nothing more. Throws what `absent` gives,
 * and RETRY_KEY_REUSED.
 */
export async function clearAll<T>(access: Access, clearing: Clearing<T>, options: OnceOptions): Promise<Dot> {
  const earlier = await access.write((turn) => recalled(turn, options, dotAnswer))
  if (earlier !== undefined) return earlier
  await clearing.check?.()
  let last: Dot | undefined
  let pending: readonly T[] = []
  const removePending = (turn: WriteTurn) => {
    for (const element of pending) last = clearing.remove(turn, element) ?? last
  }
  for await (const chunk of slices(clearing.elements)) {
    if (pending.length > 0) {
      await access.write((turn) => {
        passGuard(options.guard)
        removePending(turn)
      })
    }
    pending = chunk
  }
  return access.write((turn) =>
    once(turn, options, dotAnswer, () => {
      removePending(turn)
      if (last === undefined) throw clearing.absent()
      return last
    }),
  )
}

async function* slices<T>(elements: AsyncIterable<readonly T[]>): AsyncGenerator<readonly T[]> {
  for await (const chunk of elements) {
    for (let at = 0; at < chunk.length; at += elementsAtOnce) yield chunk.slice(at, at + elementsAtOnce)
  }
}
