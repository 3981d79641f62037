/** Channels of the fake network: two pipes, one for each direction, opened over a connection. */
import type { Channel, PeerId, Protocol } from '../../../protocols/network.js'
import { type Connection, type FrameCarrier, Pipe } from './pipe.js'

/** Function that accepts the channels of one protocol. */
export type FakeHandler = (channel: Channel) => Promise<void>

/** Services of the mesh that channels need. */
export interface ChannelCarrier extends FrameCarrier {
  /** Errors that handlers of channels threw. */
  readonly handlerFailures: unknown[]
  handlerOf(peer: PeerId, protocolId: string): FakeHandler | undefined
}

/** Opens a channel over a connection; the other end learns of it when it has arrived there. */
export function openChannel(
  carrier: ChannelCarrier,
  connection: Connection,
  from: PeerId,
  to: PeerId,
  protocol: Protocol,
): Channel {
  const there = new Pipe(carrier, connection, from, to, protocol)
  const back = new Pipe(carrier, connection, to, from, protocol)
  there.whenArrived(() => {
    const theirs = new PipedChannel(from, back, there)
    if (carrier.fateOf(protocol.id, from, to, 'open') === 'breaks') return theirs.abort('broken')
    const accept = carrier.handlerOf(to, protocol.id)
    if (accept === undefined) return theirs.abort(`does not speak ${protocol.id}`)
    accept(theirs).catch((error: unknown) => {
      carrier.handlerFailures.push(error)
      theirs.abort('the handler failed')
    })
  })
  return new PipedChannel(to, there, back)
}

/** One end of a channel. */
class PipedChannel implements Channel {
  readonly peer: PeerId
  readonly #out: Pipe
  readonly #in: Pipe

  constructor(peer: PeerId, out: Pipe, incoming: Pipe) {
    this.peer = peer
    this.#out = out
    this.#in = incoming
  }

  get frames(): AsyncIterable<Uint8Array> {
    return this.#in.frames()
  }

  send(frame: Uint8Array): Promise<void> {
    return this.#out.send(frame)
  }

  async close(): Promise<void> {
    this.#out.end()
  }

  abort(reason: string): void {
    this.#out.breakOff(reason)
    this.#in.breakOff(reason)
  }
}
