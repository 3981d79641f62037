/** Widths of text on a terminal: wrapping between words, and cutting. Colours take no width. */
import stringWidth from 'string-width'

/** Columns that a text takes: two for wide characters, none for colours and joining marks. */
export function widthOf(text: string): number {
  return stringWidth(text)
}

/** Cuts a text without colours to so many columns; what was cut shows as `…`. */
export function cutTo(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  let cut = ''
  let width = 0
  for (const character of text) {
    const more = widthOf(character)
    if (width + more > columns - 1) break
    cut += character
    width += more
  }
  return columns < 1 ? '' : `${cut}…`
}

/** Wraps words into lines of so many columns; a longer word has a line of its own. */
export function wrapTo(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > columns) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
