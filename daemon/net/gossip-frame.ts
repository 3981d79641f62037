/** Looks over a gossip frame before it is decoded, to refuse one whose decoding would take long. */
import { gossipFieldsMax, gossipTopicBytesMax } from './limits.js'

/** A message of the gossipsub protocol: what its fields of bytes are. Others are opaque. */
interface Shape {
  readonly [field: number]: Shape | 'text'
}

const opaque: Shape = {}
const topicFirst: Shape = { 1: 'text' }
/** RPC of gossipsub 1.2: subscriptions, messages, control (IHAVE, IWANT, GRAFT, PRUNE, IDONTWANT). */
const rpc: Shape = {
  1: { 2: 'text' },
  2: { 4: 'text' },
  3: { 1: topicFirst, 2: opaque, 3: topicFirst, 4: { 1: 'text', 2: opaque }, 5: opaque },
}

const varintBytesMax = 10

/** Walks over the fields of a protobuf message and those within. */
class Walk {
  #at = 0
  #fields = 0

  constructor(private readonly bytes: Uint8Array) {}

  /** False when the fields up to `end` are malformed, too many, or texts too long. */
  isPlain(shape: Shape, end: number): boolean {
    while (this.#at < end) {
      const tag = this.#varint(end)
      if (tag === undefined || ++this.#fields > gossipFieldsMax) return false
      const isPlain =
        tag % 8 === 2 ? this.#isPlainBytes(shape[Math.floor(tag / 8)], end) : this.#isSkipped(tag % 8, end)
      if (!isPlain) return false
    }
    return true
  }

  #isPlainBytes(inner: Shape | 'text' | undefined, end: number): boolean {
    const length = this.#varint(end)
    if (length === undefined || length > end - this.#at) return false
    if (inner === 'text' && length > gossipTopicBytesMax) return false
    if (typeof inner === 'object') return this.isPlain(inner, this.#at + length)
    this.#at += length
    return true
  }

  /** Numbers. Groups, which nothing sends, are refused. */
  #isSkipped(wireType: number, end: number): boolean {
    if (wireType === 0) return this.#varint(end) !== undefined
    if (wireType !== 1 && wireType !== 5) return false
    this.#at += wireType === 1 ? 8 : 4
    return this.#at <= end
  }

  #varint(end: number): number | undefined {
    let value = 0
    for (let index = 0; index < varintBytesMax && this.#at < end; index++) {
      const byte = this.bytes[this.#at++] as number
      value += (byte & 0x7f) * 2 ** (7 * index)
      if (byte < 0x80) return value
    }
    return undefined
  }
}

/**
 * True if a frame may be decoded. gossipsub counts the elements of each list, but not the lists, nor repetitions of a
 * field that is single: 2 MiB of those took its decoder 1.5 s.
 */
export function isDecodable(frame: Uint8Array): boolean {
  return new Walk(frame).isPlain(rpc, frame.length)
}
