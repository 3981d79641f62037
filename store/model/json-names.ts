/** Names that an object of a JSON text holds twice: `JSON.parse` keeps the last one silently. */

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const objectStart = 0x7b
const objectEnd = 0x7d
const arrayStart = 0x5b
const arrayEnd = 0x5d

/**
 * The first name that an object anywhere in the text holds twice; undefined when there is none.
 * @param text what `JSON.parse` accepts
 */
export function repeatedName(text: string): string | undefined {
  /** The names so far of each object that is open; undefined for an array. */
  const open: (Set<string> | undefined)[] = []
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === objectStart) open.push(new Set())
    else if (code === arrayStart) open.push(undefined)
    else if (code === objectEnd || code === arrayEnd) open.pop()
    else if (code === quote) {
      const end = textEnd(text, at)
      const names = open.at(-1)
      if (names !== undefined && isName(text, end)) {
        const name = nameIn(text, at, end)
        if (names.has(name)) return name
        names.add(name)
      }
      at = end - 1
    }
  }
}

/** Index behind the closing quote of the quoted text that begins at `at`; the end of `text` when it is not closed. */
export function textEnd(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes++
    if (escapes % 2 === 0) return end + 1
  }
  return text.length
}

/** True if a colon follows, so that the text before it is a name. */
export function isName(text: string, end: number): boolean {
  let at = end
  while (isSpace(text.charCodeAt(at))) at++
  return text.charCodeAt(at) === colon
}

/** Name between two quotes, unescaped; nearly no name has escapes. */
function nameIn(text: string, at: number, end: number): string {
  const raw = text.slice(at + 1, end - 1)
  return raw.includes('\\') ? (JSON.parse(text.slice(at, end)) as string) : raw
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}
