/**
 * The largest frames that membership composes: every one of them is taken by its reader, and what did not fit follows.
 */
import { describe, expect, it } from 'vitest'
import { ChangeLog } from '../../protocols/membership/core/changes.js'
import type { Relayable } from '../../protocols/membership/core/relays.js'
import { type BeatOptions, HeartbeatWriter, type LocalView } from '../../protocols/membership/core/writer.js'
import * as limits from '../../protocols/membership/limits.js'
import { decodeHeartbeat, encodeHeartbeat, type Heartbeat } from '../../protocols/membership/messages.js'
import * as reads from '../../protocols/membership/read-messages.js'
import { register } from '../../store/model/address.js'
import type { MemberTag } from '../../store/model/codec.js'
import { Context } from '../../store/model/context.js'
import { keyBytesMax } from '../../store/model/limits.js'

const idOf = (at: number, first: string) => first + at.toString(16).padStart(15, '0')

/** Gaps whose numbers take as many bytes as numbers can. */
function wideRanges(count: number): number[] {
  const ranges: number[] = []
  const step = 2 ** 40
  for (let at = 0; at < count; at++) ranges.push(1 + at * step, 1 + at * step + step / 2)
  return ranges
}

function wideContext(actors: number, ranges: readonly number[], first: string): Context {
  return new Context(new Map(Array.from({ length: actors }, (_, at) => [idOf(at, first), ranges])))
}

const viewOf = (applied: ChangeLog, rest: Partial<LocalView> = {}): LocalView => ({
  isVerified: true,
  root: new Uint8Array(16).fill(1),
  contexts: new Uint8Array(16).fill(2),
  state: new Uint8Array(8).fill(3),
  list: new Uint8Array(8).fill(4),
  epoch: limits.heartbeatMsMax,
  applied,
  neighbours: [],
  wallMs: 1,
  monotonicMs: 1_000,
  ...rest,
})

const optionsOf = (relays: readonly Relayable[], rest: Partial<BeatOptions> = {}): BeatOptions => ({
  wantsEarlyAcks: true,
  asks: true,
  echo: { nonce: Number.MAX_SAFE_INTEGER, heldMs: limits.heartbeatMsMax },
  knownEpoch: limits.heartbeatMsMax,
  relays,
  ...rest,
})

function relayable(member: MemberTag, context: Context, rest: Partial<Relayable['acknowledgement']> = {}): Relayable {
  const word = { list: null, isVerified: true, state: 'ff'.repeat(8), takenAtMs: 0, by: null }
  return {
    member,
    withContext: true,
    acknowledgement: { ...word, epoch: limits.heartbeatMsMax, context, stamp: 1, ...rest },
  }
}

describe('the largest heartbeat', () => {
  const ranges = wideRanges(limits.heartbeatRangesAim + 1)
  const own = new ChangeLog(wideContext(limits.heartbeatActorsAim + 1, ranges, 'a'), limits.changesKept)
  const neighbours = Array.from({ length: limits.neighboursAim + 1 }, (_, at) => idOf(at, 'b'))
  const members = Array.from({ length: limits.relayMembersMax }, (_, at) => idOf(at, 'c'))
  const far = wideContext(limits.relayActorsAim + 1, ranges, 'd')

  it('fits its frame, whatever is to be told, and its reader takes it', () => {
    const writer = new HeartbeatWriter('peer', Number.MAX_SAFE_INTEGER - 10)
    const view = viewOf(own, { neighbours, wallMs: Number.MAX_SAFE_INTEGER })
    const relays = members.map((member) => relayable(member, far))
    const frame = encodeHeartbeat(writer.next(view, optionsOf(relays)))
    expect(frame.length).toBeLessThanOrEqual(limits.heartbeatFrameBytesMax)
    expect(frame.length).toBeGreaterThan(limits.heartbeatContextBytesAim)
    const read = decodeHeartbeat(frame)
    expect(read.neighbours).toHaveLength(limits.neighboursAim)
    expect(read.wallMs).toBe(limits.heartbeatMsMax)
  })

  it('tells of every member in turn, until all that may be told has been', () => {
    // Four actors of every member have more gaps than are ever told; each of them fills a quarter of what relays may
    // hold.
    const contexts = members.slice(0, 12).map((_, at) => wideContext(5, ranges, (at % 10).toString()))
    const told = new Map<MemberTag, Context>()
    const writer = new HeartbeatWriter('peer', 0)
    const view = viewOf(new ChangeLog(new Context(), 1))
    const relays = contexts.map((context, at) => relayable(members[at]!, context))
    const heardIn = new Map<MemberTag, number>()
    for (let beat = 1; beat <= 40; beat++) {
      const read = decodeHeartbeat(encodeHeartbeat(writer.next(view, optionsOf(relays))))
      for (const { member, acknowledged } of read.relays) {
        if (!heardIn.has(member)) heardIn.set(member, beat)
        const context = told.get(member) ?? new Context()
        for (const one of acknowledged as { actor: string; ranges: number[] }[])
          context.setRanges(one.actor, one.ranges)
        told.set(member, context)
      }
    }
    expect(heardIn.size).toBe(contexts.length)
    expect(Math.max(...heardIn.values())).toBeLessThanOrEqual(contexts.length)
    const cut = wideRanges(limits.heartbeatRangesAim)
    for (const [at, context] of contexts.entries()) {
      expect(told.get(members[at]!)?.actors()).toEqual(context.actors())
      for (const actor of context.actors()) expect(told.get(members[at]!)?.rangesOf(actor)).toEqual(cut)
    }
    // Nothing of it is told again.
    expect(writer.next(view, optionsOf(relays)).relays).toEqual([])
  })

  it('passes on a member of which nothing is new, although of all others something always is', () => {
    const writer = new HeartbeatWriter('peer', 0)
    const view = viewOf(new ChangeLog(new Context(), 1))
    const small = wideContext(1, [1, 3], 'e')
    const heard: number[] = []
    for (let beat = 1; beat <= 30; beat++) {
      const busy = members.slice(1, 20).map((member) => relayable(member, small, { stamp: beat, takenAtMs: beat }))
      const still = relayable(members[0]!, small, { takenAtMs: beat })
      const { relays } = writer.next(view, optionsOf([...busy, still]))
      if (relays.some(({ member }) => member === members[0])) heard.push(beat)
    }
    expect(heard.length).toBeGreaterThanOrEqual(3)
  })

  it('is refused by its writer where no reader would take it', () => {
    const beat: Heartbeat = new HeartbeatWriter('peer', 0).next(viewOf(new ChangeLog(new Context(), 1)), optionsOf([]))
    const actors = (count: number) =>
      Array.from({ length: count }, (_, at) => ({ actor: idOf(at, 'a'), ranges: [1, 1] }))
    const relay = {
      member: idOf(0, 'c'),
      ageMs: 0,
      isVerified: true,
      epoch: 1,
      list: new Uint8Array(8),
      state: 'same' as const,
    }
    const sizes: [number, (count: number) => Partial<Heartbeat>][] = [
      [limits.heartbeatActorsMax, (count) => ({ acknowledged: actors(count) })],
      [
        limits.neighboursMax,
        (count) => ({ neighbours: neighbours.slice(0, 1).flatMap((tag) => Array(count).fill(tag)) }),
      ],
      [limits.relaysMax, (count) => ({ relays: Array(count).fill({ ...relay, acknowledged: null }) })],
      [limits.relayActorsMax, (count) => ({ relays: [{ ...relay, acknowledged: actors(count) }] })],
    ]
    for (const [max, partOf] of sizes) {
      expect(decodeHeartbeat(encodeHeartbeat({ ...beat, ...partOf(max) }))).toMatchObject(partOf(max))
      expect(() => encodeHeartbeat({ ...beat, ...partOf(max + 1) })).toThrow(RangeError)
    }
    const huge = { acknowledged: [{ actor: idOf(0, 'a'), ranges: wideRanges(2 ** 13) }] }
    const many = { acknowledged: actors(64).map(({ actor }) => ({ actor, ranges: huge.acknowledged[0]!.ranges })) }
    expect(() => encodeHeartbeat({ ...beat, ...many })).toThrow(RangeError)
  })
})

describe('the largest copy of an address', () => {
  const value = Buffer.alloc(32 * 1024)
  const key = 'k'.repeat(keyBytesMax)
  const copyOf = (versions: number, listed = 0): reads.Copy => {
    const address = register(key)
    const time = { ms: 1, logical: 0 }
    const dots = (count: number) => Array.from({ length: count }, (_, at) => ({ actor: idOf(0, 'f'), counter: at + 1 }))
    const updates = dots(versions).map((dot) => ({
      dot,
      address,
      kind: 'put' as const,
      time,
      expiresAtMs: null,
      value,
      supersedes: [],
    }))
    return { entry: { address, updates, bare: [] }, removed: dots(listed), members: new Map() }
  }
  const encode = (copy: reads.Copy) => reads.encodeReadAnswer({ kind: 'copy', copy }, () => idOf(0, '0'))

  it('is refused before it is sent when the addresses alone make it too large for a frame', () => {
    const most = Math.floor((limits.readFrameBytesAim - 1024) / (value.length + keyBytesMax + 66))
    expect(reads.fitsFrame(copyOf(most))).toBe(true)
    expect(encode(copyOf(most)).length).toBeLessThanOrEqual(limits.readFrameBytesAim)
    const more = copyOf(Math.floor(limits.readFrameBytesAim / value.length))
    expect(reads.fitsFrame(more)).toBe(false)
    expect(() => encode(more)).toThrow(RangeError)
  })

  it('has no more dots than a reader takes', () => {
    const most = { ...copyOf(0, limits.readDotsAim) }
    expect(reads.decodeReadAnswer(encode(most), register(key))).toMatchObject({ kind: 'copy' })
    expect(reads.fitsFrame(copyOf(0, limits.readDotsAim + 1))).toBe(false)
    expect(() => encode(copyOf(0, limits.readDotsAim + 1))).toThrow(RangeError)
    const { removed } = copyOf(0, limits.readDotsAim + 1)
    const request = { address: register(key), list: new Uint8Array(8) }
    expect(() => reads.encodeReadRequest({ ...request, dots: removed })).toThrow(RangeError)
    expect(reads.decodeReadRequest(reads.encodeReadRequest({ ...request, dots: removed.slice(1) })).dots).toHaveLength(
      limits.readDotsAim,
    )
  })
})
