/** Follows the frames of a yamux connection, to refuse one that is too large before its bytes are kept. */
import type { Uint8ArrayList } from 'uint8arraylist'

const headerBytes = 12
const typeAt = 1
const lengthAt = 8
const dataType = 0

/**
 * The multiplexer keeps a data frame until it is whole, and looks only then whether it fits the window of its stream:
 * one header could make it keep 4 GiB. Header: version, type, flags (2), stream (4), length (4), big-endian (yamux
 * specification).
 */
export class YamuxFrames {
  readonly #header = Buffer.alloc(headerBytes)
  #headerHas = 0
  #bodyLeft = 0

  constructor(private readonly bodyBytesMax: number) {}

  /**
   * Takes the next bytes of the connection. False if they begin a frame over the limit; the connection must then be
   * closed.
   */
  accepts(bytes: Uint8Array | Uint8ArrayList): boolean {
    if (bytes instanceof Uint8Array) return this.#follow(bytes)
    for (const piece of bytes) if (!this.#follow(piece)) return false
    return true
  }

  #follow(piece: Uint8Array): boolean {
    let at = 0
    while (at < piece.length) {
      if (this.#bodyLeft > 0) {
        const step = Math.min(this.#bodyLeft, piece.length - at)
        this.#bodyLeft -= step
        at += step
        continue
      }
      const step = Math.min(headerBytes - this.#headerHas, piece.length - at)
      this.#header.set(piece.subarray(at, at + step), this.#headerHas)
      this.#headerHas += step
      at += step
      if (this.#headerHas === headerBytes && !this.#begin()) return false
    }
    return true
  }

  #begin(): boolean {
    this.#headerHas = 0
    if (this.#header[typeAt] !== dataType) return true
    this.#bodyLeft = this.#header.readUInt32BE(lengthAt)
    return this.#bodyLeft <= this.bodyBytesMax
  }
}
