/** Tables for people: rows under headings, aligned, without borders. */
import Table from 'cli-table3'
import type { Output } from './output.js'

const noBorders = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'],
  ].map((place) => [place, '']),
)

/** Writes rows under headings. Cells may hold colours. */
export async function printTable(
  output: Output,
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): Promise<void> {
  const table = new Table({
    head: headings.map((heading) => output.colors.gray(heading)),
    chars: { ...noBorders, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) table.push([...row])
  await output.line(table.toString().replaceAll(/[ ]+$/gm, ''))
}
