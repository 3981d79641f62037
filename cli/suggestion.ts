/** Suggestions for words that are no command: misspelt ones, and those of other programs. */

/** Words by which other programs call what a command does here. */
const synonyms: Readonly<Record<string, string>> = {
  add: 'put',
  cat: 'get',
  delete: 'del',
  keys: 'ls',
  list: 'ls',
  nodes: 'members',
  read: 'get',
  remove: 'del',
  rm: 'del',
  scan: 'ls',
  serve: 'daemon',
  server: 'daemon',
  store: 'put',
  subscribe: 'watch',
  tail: 'watch',
  write: 'put',
}

/**
 * The command that was probably meant by a word; undefined when none is near.
 * @param words the words that may stand here
 * @param others whole names that the word may be the end of, such as `counter incr`
 */
export function commandMeant(
  word: string,
  words: readonly string[],
  others: readonly string[] = [],
): string | undefined {
  const near = nearest(word, words)
  if (near !== undefined) return near
  const ends = others.filter((name) => name.endsWith(` ${word}`))
  if (ends.length === 1) return ends[0]
  const synonym = Object.hasOwn(synonyms, word) ? synonyms[word] : undefined
  return synonym !== undefined && words.includes(synonym) ? synonym : undefined
}

/** The word with the fewest edits, if these are few for its length; the first of several. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const judged = words.map((one) => ({ one, edits: editsBetween(word, one) }))
  const [best] = judged
    .filter(({ one, edits }) => edits <= Math.max(1, one.length * 0.4))
    .toSorted((a, b) => a.edits - b.edits)
  // One edit of a word of two letters makes any other.
  return best === undefined || (best.edits > 0 && Math.min(word.length, best.one.length) < 3) ? undefined : best.one
}

/** Number of letters to be inserted, removed, replaced or swapped with the next (optimal string alignment). */
function editsBetween(a: string, b: string): number {
  let [before, row]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, at) => at)]
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, replaced, isSwap ? before[j - 2]! + 1 : replaced)
    }
    before = row
    row = next
  }
  return row[b.length]!
}
