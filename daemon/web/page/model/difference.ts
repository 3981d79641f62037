/** Differences of two texts, word by word. */

/** Words of a text beyond which only its common beginning and end are found. */
export const wordsMax = 600

/** A piece of a text, and whether the other text has it too. */
export interface Piece {
  readonly text: string
  readonly isCommon: boolean
}

/** The pieces of a text, those that another text has not in the same order marked. */
export function differencePieces(text: string, other: string): Piece[] {
  const words = wordsOf(text)
  const others = wordsOf(other)
  const start = commonStart(words, others)
  const end = commonEnd(words.slice(start), others.slice(start))
  const middle = words.slice(start, words.length - end)
  const kept = commonWords(middle, others.slice(start, others.length - end))
  const flags = words.map((_, at) => at < start || at >= words.length - end || kept.has(at - start))
  return words.reduce<Piece[]>((pieces, word, at) => joined(pieces, word, flags[at]!), [])
}

function joined(pieces: Piece[], text: string, isCommon: boolean): Piece[] {
  const last = pieces.at(-1)
  if (last?.isCommon === isCommon) pieces[pieces.length - 1] = { text: last.text + text, isCommon }
  else pieces.push({ text, isCommon })
  return pieces
}

function wordsOf(text: string): string[] {
  return text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? []
}

function commonStart(a: readonly string[], b: readonly string[]): number {
  let at = 0
  while (at < a.length && at < b.length && a[at] === b[at]) at++
  return at
}

function commonEnd(a: readonly string[], b: readonly string[]): number {
  let at = 0
  while (at < a.length && at < b.length && a[a.length - 1 - at] === b[b.length - 1 - at]) at++
  return at
}

/** Positions in `a` of a longest common subsequence, by dynamic programming over suffixes. */
function commonWords(a: readonly string[], b: readonly string[]): Set<number> {
  const found = new Set<number>()
  if (a.length > wordsMax || b.length > wordsMax) return found
  const width = b.length + 1
  const lengths = new Uint16Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const skip = Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!)
      lengths[i * width + j] = a[i] === b[j] ? lengths[(i + 1) * width + j + 1]! + 1 : skip
    }
  }
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) found.add(i++) && j++
    else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!) i++
    else j++
  }
  return found
}
