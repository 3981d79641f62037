/** The rows of docs/CONFLICTS.md: the document is the test's input, so that it cannot say what is not so. */
import { readFileSync } from 'node:fs'

/** One row: what was there, what two sides do to it unseen by each other, and what every node shows afterwards. */
export interface Row {
  /** The heading it stands under. */
  readonly section: string
  readonly line: number
  readonly before: string
  readonly one: string
  readonly other: string
  readonly afterwards: string
}

const heading = ['before', 'one side', 'the other side', 'afterwards, everywhere']

/** All rows of the document. Throws for a row that has not as many cells as the heading. */
export function readTable(): Row[] {
  const rows: Row[] = []
  let section = ''
  let isTable = false
  const lines = readFileSync(new URL('../../docs/CONFLICTS.md', import.meta.url), 'utf8').split('\n')
  for (const [at, line] of lines.entries()) {
    if (line.startsWith('## ')) section = line.slice(3)
    const cells = cellsOf(line)
    if (cells === undefined) isTable = false
    else if (cells.join() === heading.join()) isTable = true
    else if (isTable && !cells.every((cell) => /^-+$/.test(cell))) rows.push(rowOf(cells, section, at + 1))
  }
  return rows
}

function rowOf(cells: readonly string[], section: string, line: number): Row {
  if (cells.length !== heading.length) throw new Error(`line ${line} has ${cells.length} cells`)
  const [before = '', one = '', other = '', afterwards = ''] = cells.map((cell) => cell.replaceAll('`', ''))
  return { section, line, before, one, other, afterwards }
}

function cellsOf(line: string): string[] | undefined {
  if (!line.startsWith('|')) return undefined
  return line
    .slice(1, line.lastIndexOf('|'))
    .split('|')
    .map((cell) => cell.trim())
}
