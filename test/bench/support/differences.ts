/** Sessions between two copies that differ in so many entries: by the log, and by the tree alone. */
import { register } from '../../../store/model/address.js'
import { applyAll, BenchFolder, type BenchNode, type Held, madeUpdates, playSession } from './stage.js'

const actors = 16
const removalsPerBatch = 1_000

/** Two equal copies of n entries; every difference takes entries, or adds them, where none did before. */
export class Copies {
  readonly #folder = new BenchFolder()
  readonly n: number
  left!: BenchNode
  right!: BenchNode
  #removed = 0
  #written = 0

  private constructor(n: number) {
    this.n = n
  }

  /** Fills two stores. */
  static async of(n: number): Promise<Copies> {
    const copies = new Copies(n)
    const filled = await copies.#folder.open('left', false)
    await applyAll(filled, madeUpdates(n, actors))
    await filled.replica.close()
    copies.#folder.copy('left', 'right')
    copies.left = await copies.#folder.open('left')
    copies.right = await copies.#folder.open('right')
    return copies
  }

  /** d puts that only one side has, half of them here and half there. */
  async byLog(d: number): Promise<Held> {
    for (const { data } of [this.left, this.right]) {
      const operations = Array.from({ length: Math.ceil(d / 2) }, () => ({
        op: 'put' as const,
        key: `later/${this.#written++}`,
        value: Buffer.alloc(100, 0x61),
        options: { context: undefined, expiresAtMs: null, ifAbsent: false },
      }))
      for (let at = 0; at < operations.length; at += removalsPerBatch) {
        await data.batches.run(operations.slice(at, at + removalsPerBatch), {})
      }
    }
    return await this.#hold()
  }

  /**
   * d entries that one side has deleted, so long ago that no log row of it is left: which entries differ is in nobody's
   * contexts or log. The contexts differ by the names of the deletes alone.
   */
  async byTree(d: number): Promise<Held> {
    const { replica } = this.left
    // Scattered over the actors and over the tree: an address's place there is a hash.
    for (let at = 0; at < d; at += removalsPerBatch) {
      await replica.transact((transaction) => {
        for (let one = at; one < Math.min(d, at + removalsPerBatch); one++) {
          const address = register(`bench/${`${this.#removed++}`.padStart(8, '0')}`)
          transaction.remove(
            address,
            transaction.versions(address).map(({ dot }) => dot),
          )
        }
      })
    }
    // Nobody else's acknowledgement is waited for.
    replica.log.setObligations([])
    await replica.upkeep.trim()
    return await this.#hold()
  }

  async #hold(): Promise<Held> {
    const held = await playSession(this.left, this.right)
    if (!Buffer.from(this.left.replica.health.trie.root()).equals(this.right.replica.health.trie.root()))
      throw new Error('not equal')
    return held
  }

  /** Closes and removes both. */
  async end(): Promise<void> {
    await this.left?.replica.close()
    await this.right?.replica.close()
    this.#folder.remove()
  }
}
