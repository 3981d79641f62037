/** What later versions may add to messages: fields at their end, and whole messages, which are skipped. */
import { describe, expect, it } from 'vitest'
import { decodeFetchAnswer, decodeGossip } from '../../protocols/gossip/messages.js'
import { isLaterMessage } from '../../protocols/later.js'
import { laterFieldsMax } from '../../protocols/limits.js'
import { decodeHeartbeat, isLaterFrame } from '../../protocols/membership/messages.js'
import { decodeReadAnswer } from '../../protocols/membership/read-messages.js'
import { decodeMessage, lastMessageCode } from '../../protocols/sync/codec.js'
import { skippedMessagesMax, syncProtocol } from '../../protocols/sync/limits.js'
import { type SessionReport, SyncService } from '../../protocols/sync/service.js'
import { register } from '../../store/model/address.js'
import { ByteWriter, DecodeError } from '../../store/model/bytes.js'
import { wireDecoders } from '../fuzz/decoders/wire.js'
import { ModelReplica } from '../support/model-replica.js'
import { laterFields } from '../support/network/later.js'
import { FakeMesh } from '../support/network/mesh.js'
import { VirtualWorld } from '../support/virtual-environment.js'

/** Parts of messages, which nothing follows. */
const parts = ['updates', 'sync piece']
const messages = wireDecoders
  .filter(({ name }) => !parts.includes(name))
  .flatMap(({ name, examples, decode }) => examples.map((bytes, at) => [`${name} ${at}`, bytes, decode] as const))

const fields = (...numbers: number[]) => {
  const writer = new ByteWriter()
  for (const number of numbers) writer.varint(number).bytes(Buffer.of(1))
  return writer.finish()
}

/** Numbers below are those of fields that this version has. */
const firstLaterField = 9

describe('fields of a later version', () => {
  it.each(messages)('%s: are skipped at its end', (_, bytes, decode) => {
    expect(decode(Buffer.concat([bytes, laterFields]))).toEqual(decode(bytes))
    // The fields that this version has count, too; no message has more than two at its end.
    const most = fields(...Array.from({ length: laterFieldsMax - 2 }, (_one, at) => at + firstLaterField))
    expect(decode(Buffer.concat([bytes, most]))).toEqual(decode(bytes))
  })

  it.each(messages)('%s: are refused when they are no fields', (_, bytes, decode) => {
    const tooMany = fields(...Array.from({ length: laterFieldsMax + 1 }, (_one, at) => at + 1))
    const bad = [fields(0), fields(2, 2), fields(3, 2), tooMany, Buffer.of(1), Buffer.of(1, 2, 0), Buffer.of(0x80, 0)]
    for (const tail of bad) expect(() => decode(Buffer.concat([bytes, tail]))).toThrow(DecodeError)
  })
})

describe('messages of a later version', () => {
  const later = (...head: number[]) => Buffer.of(...head, ...laterFields)

  it('are told apart from malformed ones', () => {
    expect(decodeGossip(later(3))).toEqual({ kind: 'later' })
    for (const bad of [later(1), later(2, 0x04), Buffer.of(3), Buffer.of(3, 0xff)]) {
      expect(() => decodeGossip(bad)).toThrow(DecodeError)
    }
    expect(decodeFetchAnswer(later(2, 4))).toEqual({ kind: 'later' })
    for (const bad of [later(3, 2), Buffer.of(2, 4)]) expect(() => decodeFetchAnswer(bad)).toThrow(DecodeError)
    expect(decodeReadAnswer(Buffer.of(2, 5), register('k'))).toEqual({ kind: 'busy' })
    expect(isLaterFrame(later(2))).toBe(true)
    for (const bad of [later(1), later(0), Buffer.of(2), Buffer.of(2, 0, 0), Buffer.of()]) {
      expect(isLaterFrame(bad)).toBe(false)
      expect(() => decodeHeartbeat(bad)).toThrow(DecodeError)
    }
    for (const code of [lastMessageCode + 1, 255]) expect(isLaterMessage(later(code), lastMessageCode)).toBe(true)
    for (const bad of [Buffer.of(lastMessageCode + 1), later(0), Buffer.of(255, 1, 2, 0), Buffer.of()]) {
      expect(isLaterMessage(bad, lastMessageCode)).toBe(false)
      expect(() => decodeMessage(bad)).toThrow(DecodeError)
    }
    expect(decodeMessage(Buffer.of(2, 6))).toEqual({ type: 'busy', reason: 'another reason' })
  })

  it('are skipped in a session, but not without end', async () => {
    const world = new VirtualWorld(1)
    const mesh = new FakeMesh(world)
    const reports: SessionReport[] = []
    const environment = world.environment()
    const listener = { ended: (report: SessionReport) => reports.push(report) }
    const service = new SyncService({ network: mesh.node('b'), replica: new ModelReplica(), environment, listener })
    service.start()
    const raw = mesh.node('raw')
    mesh.connectAll()
    const channel = await raw.open('b', syncProtocol)
    const speak = async () => {
      for (let sent = 0; sent <= skippedMessagesMax + 1; sent++) await channel.send(later(0, lastMessageCode + 1))
    }
    const speaking = speak().catch(() => undefined)
    await world.runUntil(() => reports.length > 0)
    await world.runThrough(speaking)
    expect(reports).toMatchObject([{ ended: 'too many messages that are not known here' }])
    expect(service.counts).toEqual({ later: skippedMessagesMax + 1 })
    expect(reports[0]!.bytesReceived).toBe((2 + laterFields.length) * (skippedMessagesMax + 1))
  })
})
