/**
 * A network as a later version may use it: messages end with fields, and streams bring messages, that this version does
 * not know.
 */
import type { Channel } from '../../../protocols/network.js'
import { pieceBytesAim } from '../../../protocols/sync/limits.js'
import type { FakeNetwork } from './network.js'

/** Two fields: number 9 with two bytes, number 200 with none. */
export const laterFields = Buffer.of(9, 2, 0xab, 0xcd, 200, 1, 0)
/** One piece, the last, of a message of sync. */
const laterSyncMessage = Buffer.of(0, 200, ...laterFields)
const laterHeartbeat = Buffer.of(9, ...laterFields)
const laterAnswer = Buffer.of(2, 77, ...laterFields)
const laterGossip = Buffer.of(3, ...laterFields)
/** Bytes of a gossip message beyond which no fields are added to it. */
const gossipBytesAim = 60 * 1024

/** Makes a node's network speak so, before anything uses it. */
export function speakLater(network: FakeNetwork): void {
  const open = network.open.bind(network)
  const handle = network.handle.bind(network)
  const publish = network.publish.bind(network)
  network.open = async (peer, protocol) => speaking(await open(peer, protocol), protocol.id, 'asks')
  network.handle = (protocol, handler) =>
    handle(protocol, (channel) => handler(speaking(channel, protocol.id, 'answers')))
  network.publish = async (bytes) => {
    await publish(laterGossip)
    await publish(bytes.length > gossipBytesAim ? bytes : Buffer.concat([bytes, laterFields]))
  }
}

function speaking(channel: Channel, id: string, role: 'asks' | 'answers'): Channel {
  const before = messageBefore(id, role)
  let isStart = true
  return {
    peer: channel.peer,
    frames: channel.frames,
    close: () => channel.close(),
    abort: (reason) => channel.abort(reason),
    send: async (frame) => {
      if (isStart && before !== undefined) await channel.send(before)
      const isEnd = !id.startsWith('/hearsay/sync/') || frame[0] === 0
      isStart = isEnd
      const fits = isEnd && frame.length + laterFields.length <= pieceBytesAim
      await channel.send(fits ? Buffer.concat([frame, laterFields]) : frame)
    },
  }
}

/** The message that goes before each of a protocol's own; a question must be understood, so nothing goes before it. */
function messageBefore(id: string, role: 'asks' | 'answers'): Buffer | undefined {
  if (id.startsWith('/hearsay/sync/')) return laterSyncMessage
  if (id.startsWith('/hearsay/heartbeat/')) return laterHeartbeat
  return id.startsWith('/hearsay/fetch/') && role === 'answers' ? laterAnswer : undefined
}
