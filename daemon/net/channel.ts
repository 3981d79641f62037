/** A libp2p stream as a channel of bounded frames, with back pressure in both directions. */
import type { Stream } from '@libp2p/interface'
import { decode, encode } from 'it-length-prefixed'
import { pipe } from 'it-pipe'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { Channel, PeerId, Protocol } from '../../protocols/network.js'
import type { NetCounters } from './counters.js'
import { frameLengthBytesMax, receiveWaitingBytesMax, sendPieceBytesMax, sendWaitingBytesMax } from './limits.js'
import type { ReceiveBudget } from './receive-budget.js'
import { SendQueue } from './send-queue.js'
import { StreamDuplex } from './stream-duplex.js'

/**
 * Channel over one stream. On the wire it is frames, each an unsigned varint length and so many bytes. A frame of
 * length 0 ends a direction in order; without it an end is a break, because a lost connection ends a stream just as a
 * closed one does.
 */
export class StreamChannel implements Channel {
  readonly frames: AsyncIterable<Uint8Array>
  /** Resolves when nothing can be sent any more. */
  readonly sent: Promise<void>
  readonly #sending = new SendQueue(sendWaitingBytesMax, sendPieceBytesMax)
  readonly #frameBytesMax: number
  readonly #duplex: StreamDuplex
  #closing: Promise<void> | undefined

  constructor(
    private readonly stream: Stream,
    readonly peer: PeerId,
    protocol: Protocol,
    private readonly counters: NetCounters,
    budget: ReceiveBudget,
  ) {
    this.#frameBytesMax = protocol.frameBytesMax
    this.#duplex = new StreamDuplex(stream, receiveWaitingBytesMax, budget)
    // Nothing else tells a sink that waits for the next frame.
    stream.addEventListener('close', ({ error }) => this.#sending.fail(error ?? new Error('the channel is closed')))
    this.sent = pipe(this.#sending, this.#duplex.sink).catch((error: Error) => this.#sending.fail(error))
    this.frames = pipe(
      this.#duplex.source,
      (source: AsyncIterable<Uint8Array | Uint8ArrayList>) =>
        decode(source, { maxDataLength: protocol.frameBytesMax, maxLengthLength: frameLengthBytesMax }),
      (frames: AsyncIterable<Uint8ArrayList>) => this.#receive(frames),
    )
  }

  /**
   * Rejects with a RangeError, and stays usable, when the frame is empty or over the limit. The bytes may not be
   * changed afterwards.
   */
  async send(frame: Uint8Array): Promise<void> {
    if (frame.length === 0) throw new RangeError('a frame may not be empty')
    if (frame.length > this.#frameBytesMax) {
      throw new RangeError(`a frame of ${frame.length} bytes is over the limit of ${this.#frameBytesMax}`)
    }
    await this.#sending.push(encode.single(frame, { maxDataLength: this.#frameBytesMax }))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  abort(reason: string): void {
    const error = new Error(reason)
    this.#sending.fail(error)
    this.stream.abort(error)
  }

  /** A channel that is already broken has nothing left to end. */
  async #close(): Promise<void> {
    this.#sending.push(encode.single(new Uint8Array(0))).catch(() => {})
    await this.#sending.end().catch(() => {})
  }

  async *#receive(frames: AsyncIterable<Uint8ArrayList>): AsyncGenerator<Uint8Array> {
    const iterator = frames[Symbol.asyncIterator]()
    let ended = false
    try {
      for (;;) {
        const next = await this.#nextFrame(iterator)
        if (next === undefined) {
          ended = true
          return
        }
        yield next
      }
    } catch (error) {
      ended = true
      throw error
    } finally {
      if (!ended) void this.#discard(iterator)
    }
  }

  /** The next frame; undefined at an orderly end. A frame that breaks a limit breaks the channel. */
  async #nextFrame(iterator: AsyncIterator<Uint8ArrayList>): Promise<Uint8Array | undefined> {
    const next = await this.#take(iterator).catch((error: Error) => {
      if (error.name.startsWith('Invalid')) this.counters.badFrames++
      this.abort(error.message)
      throw error
    })
    if (next.done === true) {
      const reason = 'the channel broke before its end'
      this.abort(reason)
      throw new Error(reason)
    }
    return next.value.byteLength === 0 ? undefined : next.value.subarray()
  }

  async #take(iterator: AsyncIterator<Uint8ArrayList>): Promise<IteratorResult<Uint8ArrayList>> {
    const next = await iterator.next()
    if (next.done !== true) this.#duplex.release(next.value.byteLength + varintBytes(next.value.byteLength))
    return next
  }

  /** Reads on after the reader has left, so that the peer is not held up for ever. */
  async #discard(iterator: AsyncIterator<Uint8ArrayList>): Promise<void> {
    try {
      for (;;) {
        const next = await this.#take(iterator)
        if (next.done === true || next.value.byteLength === 0) return
      }
    } catch {
      // The channel broke; nobody reads it any more.
    }
  }
}

/** Bytes of a number as an unsigned varint. */
function varintBytes(value: number): number {
  return Math.max(1, Math.ceil((32 - Math.clz32(value)) / 7))
}
