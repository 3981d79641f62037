/**
 * Captures as they travel: contexts as a patch on what both sides already sent each other in this session,
 * so that contexts that are known cost nothing.
 */
import { type ByteReader, type ByteWriter, DecodeError } from '../../../store/model/bytes.js'
import { type MemberTag, readRanges, type TaggedContexts, writeRanges } from '../../../store/model/codec.js'
import { Context, type Ranges } from '../../../store/model/context.js'
import { digestBytes } from '../../../store/model/digest.js'
import { type Actor, actorBytes } from '../../../store/model/dot.js'
import { contextRangesMax } from '../../../store/model/limits.js'
import type { Capture } from '../../../store/replica/types.js'
import { captureActorsMax } from '../limits.js'

/** The ranges of one actor that the baseline holds otherwise. */
export interface ChangedActor {
  /** The actor's position among the baseline's actors, in ascending order. */
  readonly index: number
  readonly seen: Ranges
  readonly applied: Ranges
}

/** One actor that the baseline does not hold. */
export interface AddedActor {
  readonly actor: Actor
  readonly member: MemberTag
  readonly seen: Ranges
  readonly applied: Ranges
}

/** A capture as it travels. */
export interface CapturePatch {
  readonly root: Uint8Array
  readonly entries: number
  readonly changed: readonly ChangedActor[]
  readonly added: readonly AddedActor[]
}

/** Union of the last capture sent and the last one received: what both sides know of each other's contexts. */
export function baselineOf(...captures: readonly (TaggedContexts | undefined)[]): TaggedContexts {
  const seen = new Context()
  const applied = new Context()
  const members = new Map<Actor, MemberTag>()
  for (const capture of captures) {
    if (capture === undefined) continue
    seen.union(capture.seen)
    applied.union(capture.applied)
    for (const actor of capture.seen.actors()) {
      const member = capture.members.get(actor)
      if (member !== undefined) members.set(actor, member)
    }
  }
  return { seen, applied, members }
}

/** The patch that turns the baseline into the capture. `tag` names the member of an actor. */
export function diffCapture(
  capture: Capture,
  baseline: TaggedContexts,
  tag: (actor: Actor) => MemberTag,
): CapturePatch {
  const known = baseline.seen.actors()
  const changed: ChangedActor[] = []
  for (const [index, actor] of known.entries()) {
    const seen = capture.seen.rangesOf(actor)
    const applied = capture.applied.rangesOf(actor)
    const isSame = same(seen, baseline.seen.rangesOf(actor)) && same(applied, baseline.applied.rangesOf(actor))
    if (!isSame) changed.push({ index, seen, applied })
  }
  const added: AddedActor[] = []
  for (const actor of capture.seen.actors()) {
    if (baseline.seen.rangesOf(actor).length > 0) continue
    const [seen, applied] = [capture.seen.rangesOf(actor), capture.applied.rangesOf(actor)]
    added.push({ actor, member: tag(actor), seen, applied })
  }
  return { root: capture.root, entries: capture.entries, changed, added }
}

/** The capture that a patch stands for. Throws a DecodeError when it does not fit the baseline. */
export function patchCapture(patch: CapturePatch, baseline: TaggedContexts): Capture {
  const seen = baseline.seen.clone()
  const applied = baseline.applied.clone()
  const members = new Map(baseline.members)
  const known = patch.changed.length === 0 ? [] : baseline.seen.actors()
  for (const { index, ...ranges } of patch.changed) {
    const actor = known[index]
    if (actor === undefined) throw new DecodeError('an actor that the baseline lacks')
    seen.setRanges(actor, ranges.seen)
    applied.setRanges(actor, ranges.applied)
  }
  for (const { actor, member, ...ranges } of patch.added) {
    if (baseline.seen.rangesOf(actor).length > 0) throw new DecodeError('an added actor that the baseline holds')
    seen.setRanges(actor, ranges.seen)
    applied.setRanges(actor, ranges.applied)
    members.set(actor, member)
  }
  if (!seen.covers(applied)) throw new DecodeError('applied beyond seen')
  return { seen, applied, members, root: patch.root, entries: patch.entries }
}

function same(a: Ranges, b: Ranges): boolean {
  return a === b || (a.length === b.length && a.every((value, at) => value === b[at]))
}

/** Writes a patched capture. */
export function writeCapture(writer: ByteWriter, patch: CapturePatch): void {
  writer.raw(patch.root).varint(patch.entries).varint(patch.changed.length, captureActorsMax)
  let next = 0
  for (const { index, seen, applied } of patch.changed) {
    writer.varint(index - next)
    writeBoth(writer, seen, applied)
    next = index + 1
  }
  writer.varint(patch.added.length, captureActorsMax)
  for (const { actor, member, seen, applied } of patch.added) {
    writer.hex(actor).hex(member)
    writeBoth(writer, seen, applied)
  }
}

/** Reads a patched capture; refuses actors out of order or without a dot. Throws a DecodeError. */
export function readCapture(reader: ByteReader): CapturePatch {
  const root = Uint8Array.from(reader.raw(digestBytes))
  const entries = reader.varint()
  const changed: ChangedActor[] = []
  let next = 0
  for (let left = reader.count(captureActorsMax, 3); left > 0; left--) {
    const index = next + reader.varint()
    changed.push({ index, ...readBoth(reader) })
    next = index + 1
  }
  const added: AddedActor[] = []
  for (let left = reader.count(captureActorsMax, 2 * actorBytes + 2); left > 0; left--) {
    const one = { actor: reader.hex(actorBytes), member: reader.hex(actorBytes), ...readBoth(reader) }
    if (one.actor <= (added.at(-1)?.actor ?? '')) throw new DecodeError('actors not strictly ascending')
    if (one.seen.length === 0) throw new DecodeError('actor without a dot')
    added.push(one)
  }
  return { root, entries, changed, added }
}

/** Seen, and applied only where it differs. */
function writeBoth(writer: ByteWriter, seen: Ranges, applied: Ranges): void {
  writeRanges(writer, seen, contextRangesMax)
  writer.u8(same(seen, applied) ? 0 : 1)
  if (!same(seen, applied)) writeRanges(writer, applied, contextRangesMax)
}

function readBoth(reader: ByteReader): { seen: Ranges; applied: Ranges } {
  const seen = readRanges(reader)
  const differs = reader.u8()
  if (differs > 1) throw new DecodeError('bad flag')
  const applied = differs === 1 ? readRanges(reader) : seen
  if (differs === 1 && same(seen, applied)) throw new DecodeError('applied written though it is the same')
  return { seen, applied }
}
