/** Sessions that work for long: others get a turn in between. */
import { expect, test } from 'vitest'
import type { Channel } from '../../protocols/network.js'
import { encodeMessage } from '../../protocols/sync/codec.js'
import type { SessionOptions } from '../../protocols/sync/core/conversation.js'
import { SessionCore } from '../../protocols/sync/core/session.js'
import { Driver } from '../../protocols/sync/driver.js'
import { turnMsMax } from '../../protocols/sync/limits.js'
import type { Message } from '../../protocols/sync/messages.js'
import { piecesOf } from '../../protocols/sync/pieces.js'
import { unknownMember } from '../../store/model/codec.js'
import { ModelReplica } from '../support/model-replica.js'
import { StillEnvironment } from '../support/still-environment.js'

/** Time passes with each look at it. */
class BusyEnvironment extends StillEnvironment {
  yielded = 0
  #passedMs = 0

  constructor(private readonly lookMs: number) {
    super('busy')
  }

  override monotonicMs(): number {
    this.#passedMs += this.lookMs
    return this.#passedMs
  }

  override yieldTurn(): Promise<void> {
    this.yielded++
    return Promise.resolve()
  }
}

const opening: Message = {
  type: 'open',
  young: false,
  salt: Buffer.alloc(8),
  capture: { root: Buffer.alloc(16, 1), entries: 1, changed: [], added: [] },
}

const options: SessionOptions = {
  salt: Buffer.alloc(8),
  youngOk: false,
  valueBytesMax: 1024,
  youngMs: 2_000,
  tables: false,
  tableActorsMin: 64,
  tableListedActors: 16,
  helloListingAim: 256,
  listingAim: 32,
  messageEntriesAim: 256,
  entryVersionsAim: 1_024,
  entryVersionsMax: 1_024,
}

/** Plays the responder against a peer that opens and leaves; resolves with the turns that it gave up. */
async function turnsOf(lookMs: number): Promise<number> {
  const environment = new BusyEnvironment(lookMs)
  const replica = new ModelReplica()
  const channel: Channel = {
    peer: 'b',
    frames: (async function* () {
      yield* piecesOf(encodeMessage(opening, () => unknownMember))
    })(),
    send: async () => undefined,
    close: async () => undefined,
    abort: () => undefined,
  }
  const surroundings = { environment, replica, acquireSlot: () => true, peerCaptured: () => undefined }
  const driver = new Driver(new SessionCore('responder', replica, options), channel, surroundings)
  await expect(driver.run()).rejects.toThrow('closed by the peer')
  return environment.yielded
}

test('a session gives up its turn when its work took long, and not before', async () => {
  expect(await turnsOf(0)).toBe(0)
  expect(await turnsOf(turnMsMax)).toBeGreaterThan(0)
})
