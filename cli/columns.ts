/** Tables for people: rows under headings, aligned, without borders, cut to the width of the terminal. */
import Table from 'cli-table3'
import type { Output } from './output.js'
import { cutTo, widthOf, wrapTo } from './text-width.js'

const noBorders = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'],
  ].map((place) => [place, '']),
)

const gap = '  '

/** Fewest columns that a cut cell keeps: before a column is left out, and when no more may be. */
const cutColumnsFirst = 20
const cutColumnsMin = 8

/** A table as it is printed; cells may hold colours. */
export interface Cells {
  readonly headings: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Order in which a table becomes narrower where the terminal is. */
export interface Narrowing {
  /** Headings of the columns that may be left out, the first one first. */
  readonly drop?: readonly string[]
  /** Headings of the columns whose cells may be cut, a little before that and more after it; they have no colours. */
  readonly cut?: readonly string[]
}

/**
 * Writes rows under headings. Cells may hold colours. Where the terminal is too narrow, columns are left out and cut as
 * allowed, which is said below.
 */
export async function printTable(
  output: Output,
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  narrowing: Narrowing = {},
): Promise<void> {
  const { cells, dropped } = fitted({ headings, rows }, narrowing, output.columns)
  await output.line(tableText(output, cells))
  if (dropped.length === 0) return
  const note = wrapTo(`(too narrow for ${dropped.join(', ')})`, output.columns)
  for (const line of note) await output.line(output.colors.gray(line))
}

/** A table cut to so many columns, as far as its narrowing allows, and the headings of what was left out. */
export function fitted(
  cells: Cells,
  { drop = [], cut = [] }: Narrowing,
  columns: number,
): { readonly cells: Cells; readonly dropped: readonly string[] } {
  const dropped: string[] = []
  const cutAll = (table: Cells, least: number) =>
    cut.reduce((narrower, heading) => withCut(narrower, heading, columns, least), table)
  let fit = cutAll(cells, cutColumnsFirst)
  for (const heading of drop) {
    if (widthOfTable(fit) <= columns) break
    const at = fit.headings.indexOf(heading)
    fit = { headings: without(fit.headings, at), rows: fit.rows.map((row) => without(row, at)) }
    dropped.push(heading)
  }
  return { cells: cutAll(fit, cutColumnsMin), dropped }
}

function tableText(output: Output, { headings, rows }: Cells): string {
  const table = new Table({
    head: headings.map((heading) => output.colors.gray(heading)),
    chars: { ...noBorders, middle: gap },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) table.push([...row])
  return table.toString().replaceAll(/[ ]+$/gm, '')
}

function without(cells: readonly string[], at: number): string[] {
  return cells.filter((_, index) => index !== at)
}

/** Cuts the cells of one column by as much as the table is too wide, but not below `least` columns. */
function withCut(cells: Cells, heading: string, columns: number, least: number): Cells {
  const at = cells.headings.indexOf(heading)
  const excess = widthOfTable(cells) - columns
  if (at < 0 || excess <= 0) return cells
  const width = Math.max(least, widths(cells)[at]! - excess)
  const rows = cells.rows.map((row) => row.map((cell, index) => (index === at ? cutTo(cell, width) : cell)))
  return { headings: cells.headings, rows }
}

function widths({ headings, rows }: Cells): number[] {
  return headings.map((heading, at) => Math.max(widthOf(heading), ...rows.map((row) => widthOf(row[at] ?? ''))))
}

function widthOfTable(cells: Cells): number {
  const each = widths(cells)
  return each.reduce((sum, width) => sum + width, 0) + gap.length * Math.max(0, each.length - 1)
}
