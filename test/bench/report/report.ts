/**
 * Writes docs/PERFORMANCE.md and its pictures from figures. What did not run this time keeps the figures of its last
 * time.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FigureLine } from '../support/figure.js'
import { pictures } from './pictures.js'

/** A line as the runner prints it. */
export interface RunLine extends FigureLine {
  readonly bench: string
  readonly isFull?: boolean
}

/** Takes in the figures of a run and writes all documents again. */
export function writeReport(root: string, figures: readonly RunLine[]): void {
  const kept = join(root, 'docs', 'images', 'figures.jsonl')
  mkdirSync(join(root, 'docs', 'images'), { recursive: true })
  const all = merged(readLines(kept), figures)
  writeFileSync(kept, all.map((line) => `${JSON.stringify(line)}\n`).join(''))
  const drawn = pictures(all)
  for (const { file, svg } of drawn) writeFileSync(join(root, 'docs', 'images', file), svg)
  writeFileSync(join(root, 'docs', 'PERFORMANCE.md'), pageOf(all, drawn))
}

function readLines(path: string): RunLine[] {
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as RunLine)
}

/** A benchmark that ran replaces all of its figures; the order is that of the names. */
export function merged(before: readonly RunLine[], now: readonly RunLine[]): RunLine[] {
  const ran = new Set(now.map(({ bench }) => bench))
  const all = [...before.filter(({ bench }) => !ran.has(bench)), ...now]
  const names = [...new Set(all.map(({ bench }) => bench))].sort()
  return names.flatMap((name) => all.filter(({ bench }) => bench === name))
}

/** The page, in Markdown. */
export function pageOf(lines: readonly RunLine[], drawn: ReturnType<typeof pictures>): string {
  const bars = lines.filter(({ must }) => must !== undefined)
  const others = lines.filter(({ must, value }) => must === undefined && value !== null)
  const missed = bars.filter(({ met }) => met === false)
  const failed = lines.filter(({ must, met }) => must === undefined && met === false)
  const sections = [
    ['# Performance', '<!-- Written by `npm run bench -- --write`: change the benchmarks, not this page. -->'],
    [introduction, machineOf(lines)],
    [
      `${bars.length - missed.length} of ${bars.length} bars are reached; ${missed.length} ${missed.length === 1 ? 'is' : 'are'} missed.`,
    ],
    failed.map(({ bench, reason }) => `**${bench} failed:** ${reason}.`),
    ['## Bars', tableOf(bars, true)],
    drawn.length === 0 ? [] : ['## Pictures', ...drawn.map(({ file, title }) => `![${title}](images/${file})`)],
    ['## Other figures', tableOf(others, false)],
  ]
  return `${sections.flat().join('\n\n')}\n`
}

const introduction = `Every figure is measured in one run together with its yardstick: the two take turns on one machine, and the ratio is what
counts. Values are medians of the runs. A bar that is missed is shown with its number. \`npm run bench -- NAME\` repeats one benchmark,
\`--full\` at the size of its bar; marked (small) is what was measured at a smaller size. See [test/bench](../test/bench) for what each one does.

What waits for the disk, or for several processes at once, is slower on a machine that has other work too; the last column is the load of
the machine (processes that wanted a core) when the figure was taken, where it is known.`

/** Figures may come from several runs: every version that one was measured with. */
function machineOf(lines: readonly RunLine[]): string {
  const names = [...new Set(lines.flatMap(({ versions }) => Object.keys(versions)))]
  const parts = names.map((name) => {
    const found = [...new Set(lines.map(({ versions }) => versions[name]).filter((one) => one !== undefined))]
    const text = found.join(' or ')
    return name === 'cores' ? `${text} cores` : `${name} ${text}`
  })
  return `Measured with ${parts.join(', ')}.`
}

function tableOf(lines: readonly RunLine[], hasBars: boolean): string {
  const columns = [
    'figure',
    'size',
    'value',
    'yardstick',
    'ratio',
    ...(hasBars ? ['must', 'aim', ''] : []),
    'runs',
    'load',
  ]
  const rows = lines.map((line) => {
    const against = line.yardstick === undefined ? '' : `${number(line.yardstick.value)} (${line.yardstick.name})`
    const bars = [signed(line.must), signed(line.aim), verdictOf(line)]
    const value = line.value === null ? (line.reason ?? 'not measured') : `${number(line.value)} ${line.unit}`
    const ratio = line.ratio === undefined ? '' : number(line.ratio)
    return [
      `${line.bench}: ${line.name}`,
      sizeOf(line),
      value,
      against,
      ratio,
      ...(hasBars ? bars : []),
      `${line.runs}`,
      `${line.load ?? ''}`,
    ]
  })
  return [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function verdictOf({ met, hasAim }: RunLine): string {
  if (met === false) return '**missed**'
  return hasAim === true ? 'reached, aim too' : 'reached'
}

function sizeOf({ n, d, nodes, isFull }: RunLine): string {
  const sizes = Object.entries({ n, d, nodes }).filter(([, size]) => size !== undefined)
  const text = sizes.map(([name, size]) => `${name} = ${number(size!)}`).join(', ')
  return isFull === true ? text : `${text} (small)`.trim()
}

function signed(bar: string | undefined): string {
  return (bar ?? '').replace('>=', '≥').replace('<=', '≤')
}

function number(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value >= 100 ? 0 : 3 })
}
