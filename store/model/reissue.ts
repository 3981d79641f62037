/**
 * Reissues: when two copies of one run (a clone of a running machine, a rollback with its memory) issued different
 * content under one dot, the greater digest keeps the dot, and the lesser content gets a dot that follows from what it
 * renames. So every holder issues the same one, and whoever superseded that content has superseded its reissue.
 */

import { ByteWriter } from './bytes.js'
import { writeDot } from './codec.js'
import { sha256 } from './digest.js'
import { actorBytes, type ContentDigest, type Dot, type NamedDot } from './dot.js'
import type { Update } from './update.js'

const reissueDomain = 0x04

/**
 * The dot of the reissue of a content: its actor is the first 8 bytes of SHA-256 over dot and digest, its counter 1.
 */
export function reissueDot(dot: Dot, digest: ContentDigest): Dot {
  const writer = new ByteWriter(40).u8(reissueDomain)
  writeDot(writer, dot)
  return { actor: sha256(writer.hex(digest).finish()).toString('hex', 0, actorBytes), counter: 1 }
}

/** The content that an update reissues, given its own digest; undefined when it is no reissue. */
export function renamedBy(update: Update, digest: ContentDigest | undefined): Required<NamedDot> | undefined {
  const { dot, kind, supersedes } = update
  if (kind !== 'put' || dot.counter !== 1 || supersedes.length !== 1 || digest === undefined) return undefined
  const { actor, counter } = supersedes[0]!
  return reissueDot({ actor, counter }, digest).actor === dot.actor ? { actor, counter, digest } : undefined
}

/**
 * The update that issues a put's content under its reissue dot: the same bytes, time and deadline, superseding that
 * content alone.
 */
export function reissueOf(update: Update, digest: ContentDigest): Update {
  const { dot } = update
  return { ...update, dot: reissueDot(dot, digest), supersedes: [{ ...dot, digest }] }
}
