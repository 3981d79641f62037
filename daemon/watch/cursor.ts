/**
 * Cursors of the change feed: opaque text for clients; feed, position, and what tells this history from another one.
 */
import { HearsayError } from '../../store/errors.js'
import type { FeedPosition } from '../../store/replica/feed.js'

/** A cursor, read. */
export interface Cursor {
  /** Names the feed; another store's, or a restored one's, has another. */
  readonly feedId: string
  readonly position: FeedPosition
  /** Mark of the row at the position (see `FeedReader.mark`); 0: not known. */
  readonly mark: number
}

const form = /^([0-9a-f]{16})\.(0|[1-9]\d{0,15})\.([0-9a-f]{8})(?:\.([1-9]\d{0,15}))?$/

/** Writes a cursor: `feed.sequence.mark`, and the base while it lies ahead. */
export function cursorText({ feedId, position, mark }: Cursor): string {
  const { sequence, base } = position
  const text = `${feedId}.${sequence}.${mark.toString(16).padStart(8, '0')}`
  return base > sequence ? `${text}.${base}` : text
}

/** Reads a cursor. Throws BAD_CURSOR. */
export function parseCursor(text: string): Cursor {
  const match = form.exec(text)
  const sequence = Number(match?.[2])
  const base = Number(match?.[4] ?? 0)
  const isInRange = Number.isSafeInteger(sequence) && Number.isSafeInteger(base) && (base === 0 || base > sequence)
  if (match !== null && isInRange) {
    return { feedId: match[1]!, position: { sequence, base }, mark: Number.parseInt(match[3]!, 16) }
  }
  const message =
    'this is not a cursor; give the whole cursor of an earlier event, or 0 for the beginning of what is kept'
  throw new HearsayError('BAD_CURSOR', message)
}
