/**
 * Captures as they travel: contexts as a patch on what both sides already sent each other in this session,
 * so that contexts that are known cost nothing.
 */
import { type ByteReader, type ByteWriter, DecodeError } from '../../../store/model/bytes.js'
import {
  type MemberTag,
  type MemberTags,
  readRanges,
  type TaggedContexts,
  writeRanges,
} from '../../../store/model/codec.js'
import { Context } from '../../../store/model/context.js'
import { digestBytes } from '../../../store/model/digest.js'
import { type Actor, actorBytes } from '../../../store/model/dot.js'
import { contextRangesMax } from '../../../store/model/limits.js'
import { type Ranges, sameRanges } from '../../../store/model/ranges.js'
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
  const known = captures.filter((capture) => capture !== undefined)
  for (const capture of known) {
    seen.union(capture.seen)
    applied.union(capture.applied)
  }
  return { seen, applied, members: new LayeredTags(known.map(({ members }) => members)) }
}

/** Members of actors from several sources: the last one that knows an actor counts. */
export class LayeredTags implements MemberTags {
  readonly #layers: readonly MemberTags[]

  /** `layers`: what a later one knows counts before what an earlier one does. */
  constructor(layers: readonly MemberTags[]) {
    this.#layers = layers
  }

  get(actor: Actor): MemberTag | undefined {
    return this.#layers.findLast((layer) => layer.get(actor) !== undefined)?.get(actor)
  }

  *[Symbol.iterator](): Iterator<readonly [Actor, MemberTag]> {
    for (const layer of this.#layers) yield* layer
  }
}

/** The patch that turns the baseline into the capture. `tag` names the member of an actor. */
export function diffCapture(
  capture: Capture,
  baseline: TaggedContexts,
  tag: (actor: Actor) => MemberTag,
): CapturePatch {
  const changed: ChangedActor[] = []
  const added: AddedActor[] = []
  const unlike = [...capture.seen.actorsUnlike(baseline.seen), ...capture.applied.actorsUnlike(baseline.applied)]
  for (const actor of [...new Set(unlike)].sort()) {
    const [seen, applied] = [capture.seen.rangesOf(actor), capture.applied.rangesOf(actor)]
    const index = baseline.seen.rankOf(actor)
    if (index !== undefined) changed.push({ index, seen, applied })
    else added.push({ actor, member: tag(actor), seen, applied })
  }
  return { root: capture.root, entries: capture.entries, changed, added }
}

/** The capture that a patch stands for. Throws a DecodeError when it does not fit the baseline. */
export function patchCapture(patch: CapturePatch, baseline: TaggedContexts): Capture {
  const seen = baseline.seen.clone()
  const applied = baseline.applied.clone()
  const members = new Map<Actor, MemberTag>()
  for (const { index, ...ranges } of patch.changed) {
    const actor = baseline.seen.actorAt(index)
    if (actor === undefined) throw new DecodeError('an actor that the baseline lacks')
    seen.setRanges(actor, ranges.seen)
    applied.setRanges(actor, ranges.applied)
  }
  for (const { actor, member, ...ranges } of patch.added) {
    if (baseline.seen.rankOf(actor) !== undefined) throw new DecodeError('an added actor that the baseline holds')
    seen.setRanges(actor, ranges.seen)
    applied.setRanges(actor, ranges.applied)
    members.set(actor, member)
  }
  if (!seen.covers(applied)) throw new DecodeError('applied beyond seen')
  const known = new LayeredTags([baseline.members, members])
  return { seen, applied, members: known, root: patch.root, entries: patch.entries }
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
  writeActors(writer, patch.added)
}

/** Writes actors whole: id, member and ranges of each. */
export function writeActors(writer: ByteWriter, actors: readonly AddedActor[]): void {
  writer.varint(actors.length, captureActorsMax)
  for (const { actor, member, seen, applied } of actors) {
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
  return { root, entries, changed, added: readActors(reader) }
}

/** Reads actors that were written whole; refuses them out of order or without a dot. Throws a DecodeError. */
export function readActors(reader: ByteReader): AddedActor[] {
  const actors: AddedActor[] = []
  for (let left = reader.count(captureActorsMax, 2 * actorBytes + 2); left > 0; left--) {
    const one = { actor: reader.hex(actorBytes), member: reader.hex(actorBytes), ...readBoth(reader) }
    if (one.actor <= (actors.at(-1)?.actor ?? '')) throw new DecodeError('actors not strictly ascending')
    if (one.seen.length === 0) throw new DecodeError('actor without a dot')
    actors.push(one)
  }
  return actors
}

/** Seen, and applied only where it differs. */
function writeBoth(writer: ByteWriter, seen: Ranges, applied: Ranges): void {
  writeRanges(writer, seen, contextRangesMax)
  writer.u8(sameRanges(seen, applied) ? 0 : 1)
  if (!sameRanges(seen, applied)) writeRanges(writer, applied, contextRangesMax)
}

function readBoth(reader: ByteReader): { seen: Ranges; applied: Ranges } {
  const seen = readRanges(reader)
  const differs = reader.u8()
  if (differs > 1) throw new DecodeError('bad flag')
  const applied = differs === 1 ? readRanges(reader) : seen
  if (differs === 1 && sameRanges(seen, applied)) throw new DecodeError('applied written though it is the same')
  return { seen, applied }
}
