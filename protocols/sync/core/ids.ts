/** A compact list of trie ids: a descent may have to remember many. */
import { ByteWriter } from '../../../store/model/bytes.js'
import { digestBytes } from '../../../store/model/digest.js'

/** Ids one after another in one buffer. */
export class IdList {
  #writer = new ByteWriter(digestBytes * 16)

  /** Number of ids. */
  get length(): number {
    return this.#writer.length / digestBytes
  }

  /** Appends a copy of an id. */
  push(id: Uint8Array): void {
    this.#writer.raw(id)
  }

  /** The id at a position; undefined beyond the end. */
  at(position: number): Uint8Array | undefined {
    if (position >= this.length) return undefined
    return this.#writer.finish().subarray(position * digestBytes, (position + 1) * digestBytes)
  }

  /** Forgets all. */
  clear(): void {
    this.#writer = new ByteWriter(digestBytes * 16)
  }

  *[Symbol.iterator](): IterableIterator<Uint8Array> {
    for (let position = 0; position < this.length; position++) yield this.at(position)!
  }
}

/** An id as a key for maps in memory. */
export function idText(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1')
}

/** The id of a key. */
export function bytesOfIds(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}
