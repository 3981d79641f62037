/** Messages in pieces: one frame a piece, so that a slow link shows progress and no peer makes us allocate ahead. */
import { DecodeError } from '../../store/model/bytes.js'
import { messageBytesMax, pieceBytesAim, pieceBytesMax, pieceBytesMin } from './limits.js'

const last = 0
const more = 1

/**
 * The frames of a message: a byte that says whether more follow, and a piece of the message. Throws a RangeError for a
 * message that no peer would take, before anything of it is sent.
 */
export function* piecesOf(message: Uint8Array): IterableIterator<Uint8Array> {
  if (message.length > messageBytesMax)
    throw new RangeError(`message of ${message.length} bytes, over ${messageBytesMax}`)
  for (let at = 0; at === 0 || at < message.length; at += pieceBytesAim) {
    const piece = message.subarray(at, at + pieceBytesAim)
    const isLast = at + pieceBytesAim >= message.length
    yield Buffer.concat([Buffer.of(isLast ? last : more), piece])
  }
}

/** Puts the pieces of one message after another together. */
export class Assembly {
  #pieces: Uint8Array[] = []
  #bytes = 0

  /**
   * Takes a frame. Returns the message when it is whole. Throws a DecodeError for a malformed frame, and beyond the
   * limit.
   */
  add(frame: Uint8Array): Uint8Array | undefined {
    const mark = frame[0]
    if (mark !== last && mark !== more) throw new DecodeError('not a piece of a message')
    const bytes = frame.length - 1
    if (bytes > pieceBytesMax || (mark === more && bytes < pieceBytesMin)) {
      throw new DecodeError(`a piece of ${bytes} bytes`)
    }
    this.#bytes += bytes
    if (this.#bytes > messageBytesMax) throw new DecodeError(`message over ${messageBytesMax} bytes`)
    this.#pieces.push(frame.subarray(1))
    if (mark === more) return undefined
    const pieces = this.#pieces
    this.#pieces = []
    this.#bytes = 0
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  }
}
