/** One after the other for each key: work that reads, computes elsewhere, and writes. */
import { HearsayError } from '../errors.js'

/** Work that may wait for others of its key, all keys together; more is refused. */
export const turnsWaitingMax = 10_000

/** Gives turns. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>()
  #waiting = 0

  /** Runs when all earlier work of this key has ended, well or not. Throws TOO_BUSY, and what the work throws. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= turnsWaitingMax) {
      throw new HearsayError('TOO_BUSY', 'too many edits are waiting; nothing was stored; try again later')
    }
    const before = this.#last.get(key)
    let end = () => {}
    const mine = new Promise<void>((resolve) => {
      end = resolve
    })
    this.#last.set(key, mine)
    this.#waiting++
    try {
      await before
      return await work()
    } finally {
      this.#waiting--
      if (this.#last.get(key) === mine) this.#last.delete(key)
      end()
    }
  }
}
