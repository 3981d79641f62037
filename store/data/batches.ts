/** Batches: several writes that are stored, and spread, as one. */
import { HearsayError } from '../errors.js'
import { mapField, register } from '../model/address.js'
import { readDot, writeDot } from '../model/codec.js'
import type { Dot } from '../model/dot.js'
import type { Access, WriteTurn } from './access.js'
import type { Counters } from './counters.js'
import { type AnswerCodec, once } from './once.js'
import type { Sets } from './sets.js'
import type { DeleteOptions, OnceOptions, PutOptions } from './types.js'
import { Values } from './values.js'

/** Operations in one batch. */
export const batchOperationsMax = 1_000

/** One write of a batch. */
export type Operation =
  | { readonly op: 'put'; readonly key: string; readonly value: Uint8Array; readonly options: PutOptions }
  | { readonly op: 'del'; readonly key: string; readonly options: DeleteOptions }
  | { readonly op: 'counter.incr'; readonly key: string; readonly by: number }
  | { readonly op: 'set.add' | 'set.rm'; readonly key: string; readonly member: Uint8Array }
  | {
      readonly op: 'map.put'
      readonly key: string
      readonly field: string
      readonly value: Uint8Array
      readonly options: PutOptions
    }
  | { readonly op: 'map.rm'; readonly key: string; readonly field: string; readonly options: DeleteOptions }

const dotsInOrder: AnswerCodec<readonly Dot[]> = {
  write: (writer, dots) => {
    writer.varint(dots.length)
    for (const dot of dots) writeDot(writer, dot)
  },
  read: (reader) => Array.from({ length: reader.count(batchOperationsMax) }, () => readDot(reader)),
}

/** Writes batches. */
export class Batches {
  readonly #access: Access
  readonly #values: Values
  readonly #counters: Counters
  readonly #sets: Sets

  constructor(access: Access, counters: Counters, sets: Sets) {
    this.#access = access
    this.#values = new Values(access)
    this.#counters = counters
    this.#sets = sets
  }

  /**
   * Runs all operations in order, each seeing what those before it did, in one durable batch. The error of any one is
   * thrown with its position in `details.op`, and nothing is stored. Resolves with their dots in order.
   */
  run(operations: readonly Operation[], options: OnceOptions): Promise<readonly Dot[]> {
    return this.#access.write((turn) =>
      once(turn, options, dotsInOrder, () => operations.map((operation, at) => this.#runAt(turn, operation, at))),
    )
  }

  #runAt(turn: WriteTurn, operation: Operation, at: number): Dot {
    try {
      return this.#runOne(turn, operation)
    } catch (error) {
      if (!(error instanceof HearsayError)) throw error
      const message = `operation ${at + 1}: ${error.message}; nothing of the batch was stored`
      throw new HearsayError(error.code, message, { ...error.details, op: at }, { cause: error })
    }
  }

  #runOne(turn: WriteTurn, operation: Operation): Dot {
    switch (operation.op) {
      case 'put':
        return this.#values.putIn(turn, register(operation.key), operation.value, operation.options)
      case 'del':
        return this.#values.deleteIn(turn, register(operation.key), operation.options)
      case 'counter.incr':
        return this.#counters.incrementIn(turn, operation.key, operation.by).dot
      case 'set.add':
        return this.#sets.addIn(turn, operation.key, operation.member)
      case 'set.rm':
        return this.#sets.removeIn(turn, operation.key, operation.member)
      case 'map.put':
        return this.#values.putIn(turn, mapField(operation.key, operation.field), operation.value, operation.options)
      case 'map.rm':
        return this.#values.deleteIn(turn, mapField(operation.key, operation.field), operation.options)
    }
  }
}
