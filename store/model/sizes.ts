/**
 * Bounds on what values of the model take on the wire, so that whoever composes a frame keeps to the limit of its
 * reader.
 */
import { actorBytes, contentDigestBytes, type Dot } from './dot.js'
import type { Update } from './update.js'

/** Bytes of an actor in a table of actors: its id, and its member. */
export const tableActorBytes = 2 * actorBytes
/** Bytes of a dot as index and counter, at most. */
export const tableDotBytesMax = 11
/** Bytes of a whole dot, at most: the actor's id and the counter. */
const wholeDotBytesMax = actorBytes + 8

/** Bytes that an update takes in a frame without the actor of its own dot, never less than it really does. */
export function updateBytesBound(update: Update): number {
  const { address, value, supersedes } = update
  // Flags, type, time, deadline and five lengths take at most 39 bytes.
  const own =
    39 +
    tableDotBytesMax +
    contentDigestBytes +
    Buffer.byteLength(address.key) +
    address.field.length +
    (value?.length ?? 0)
  return own + supersedes.length * (tableActorBytes + tableDotBytesMax + contentDigestBytes)
}

/** Bytes that a list of whole dots takes, never less than it really does. */
export function dotsBytesBound(dots: readonly Dot[]): number {
  return 8 + dots.length * wholeDotBytesMax
}
