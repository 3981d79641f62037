/** The largest messages that a sync session composes: every one of them is taken by its reader. */
import { describe, expect, it } from 'vitest'
import { decodeMessage, encodeMessage } from '../../protocols/sync/codec.js'
import type { Asked, PlacedNode } from '../../protocols/sync/core/compare.js'
import type { DescentState, PeerTurn } from '../../protocols/sync/core/descent-state.js'
import { sendNodes } from '../../protocols/sync/core/outbound.js'
import { listingEntriesMax, treeNodesMax, valuesMax, wantsMax } from '../../protocols/sync/limits.js'
import type { Message, TreeNode } from '../../protocols/sync/messages.js'
import { register } from '../../store/model/address.js'
import { unknownMember } from '../../store/model/codec.js'

const encode = (message: Message) => encodeMessage(message, () => unknownMember)

describe('the nodes of one turn', () => {
  it('go into messages that a reader takes, also where all that is below is empty here', () => {
    const sent: Message[] = []
    const empty: TreeNode = { kind: 'listing', digests: new Uint8Array(0) }
    const state = {
      comparison: {
        *block() {
          return { answer: 0xffff, nodes: Array.from({ length: 16 }, () => empty) }
        },
      },
      talk: {
        *send(message: Message) {
          sent.push(message)
          yield { type: 'send', message }
        },
      },
    } as unknown as DescentState
    const block: PlacedNode = { prefix: '0', node: { kind: 'digests', digests: new Uint8Array(128) } }
    const turn = { places: Array.from({ length: 20_000 }, () => block) } as unknown as PeerTurn
    const steps = sendNodes(state, turn, {} as Asked)
    while (!steps.next({ type: 'done' }).done);
    const read = sent.map((message) => decodeMessage(encode(message)))
    expect(read.flatMap((message) => (message.type === 'tree' ? message.answers : []))).toHaveLength(20_000)
    expect(read.length).toBeGreaterThan(1)
  })
})

describe('a message over a limit of its reader', () => {
  const address = register('key')
  const positions = (count: number) => Array.from({ length: count }, (_, at) => at)
  const node: TreeNode = { kind: 'listing', digests: new Uint8Array(0) }
  const listing = (count: number): TreeNode => ({ kind: 'listing', digests: new Uint8Array(count * 8) })
  const messages: [string, number, (count: number) => Message][] = [
    ['answers', treeNodesMax, (count) => ({ type: 'tree', answers: Array(count).fill(0), nodes: [] })],
    ['nodes', treeNodesMax, (count) => ({ type: 'tree', answers: [], nodes: Array(count).fill(node) })],
    ['entries of a listing', listingEntriesMax, (count) => ({ type: 'tree', answers: [], nodes: [listing(count)] })],
    ['positions', wantsMax, (count) => ({ type: 'wants', positions: positions(count) })],
    ['addresses', valuesMax, (count) => ({ type: 'values', addresses: Array(count).fill(address) })],
  ]

  it.each(messages)('%s: is refused by its writer; at the limit both take it', (_, max, messageOf) => {
    expect(decodeMessage(encode(messageOf(max))).type).toBe(messageOf(1).type)
    expect(() => encode(messageOf(max + 1))).toThrow(RangeError)
  })
})
