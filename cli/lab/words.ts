/**
 * PURE: the words of a line of a script: bare, in single quotes as they are, or in double quotes with escapes; `#`
 * begins a comment.
 */

/** One word of a line. */
export interface Word {
  readonly text: string
  /** A quoted word is never a keyword. */
  readonly isQuoted: boolean
}

/** A line that is malformed: what was expected, and what was found. */
export class LineProblem extends Error {
  constructor(
    readonly expected: string,
    readonly found: string,
  ) {
    super(`expected ${expected}, found ${found}`)
  }
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\', '"': '"', n: '\n', r: '\r', t: '\t' }
const escapeOf: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Reads the words of a line. Throws LineProblem. */
export function readWords(line: string): Word[] {
  const words: Word[] = []
  let rest = line.trimStart()
  while (rest !== '' && !rest.startsWith('#')) {
    const [word, length] = rest[0] === "'" ? single(rest) : rest[0] === '"' ? double(rest) : bare(rest)
    const next = rest[length]
    if (next !== undefined && next.trim() !== '') throw new LineProblem('a space after the closing quote', `'${next}'`)
    words.push(word)
    rest = rest.slice(length).trimStart()
  }
  return words
}

function bare(rest: string): [word: Word, length: number] {
  const [text] = /^\S+/.exec(rest)!
  return [{ text, isQuoted: false }, text.length]
}

function single(rest: string): [word: Word, length: number] {
  const end = rest.indexOf("'", 1)
  if (end < 0) throw new LineProblem("a closing '", 'the end of the line')
  return [{ text: rest.slice(1, end), isQuoted: true }, end + 1]
}

function double(rest: string): [word: Word, length: number] {
  let text = ''
  for (let at = 1; at < rest.length; at++) {
    const character = rest[at]!
    if (character === '"') return [{ text, isQuoted: true }, at + 1]
    if (character !== '\\') {
      text += character
      continue
    }
    at++
    const meant = escapes[rest[at] ?? '']
    if (meant === undefined) throw new LineProblem('\\\\, \\", \\n, \\r or \\t', `'\\${rest[at] ?? ''}'`)
    text += meant
  }
  throw new LineProblem('a closing "', 'the end of the line')
}

/**
 * A text as one word that is read back as the same text. `isPlain` says which bare words have no other meaning there.
 */
export function printWord(text: string, isPlain: (text: string) => boolean = () => true): string {
  const isBare = /^[^\s'"#\\]\S*$/.test(text) && isPlain(text)
  if (isBare) return text
  if (!/['\n\r]/.test(text)) return `'${text}'`
  return `"${text.replaceAll(/[\\"\n\r\t]/g, (character) => escapeOf[character]!)}"`
}
