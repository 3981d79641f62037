/** Which figures become which picture. A picture without figures is left as it is. */
import type { FigureLine } from '../support/figure.js'
import { barChart, lineChart, type Series } from './svg.js'

/** A picture and what stands below it. */
export interface Picture {
  readonly file: string
  readonly title: string
  readonly svg: string
}

/** A figure with a value. */
type Measured = FigureLine & { readonly value: number }

/** Draws every picture whose figures are there. */
export function pictures(lines: readonly FigureLine[]): Picture[] {
  const measured = lines.filter((line): line is Measured => line.value !== null)
  const all = [treeBytes, treeTrips, bytesOverEntries, healTime, latency, throughput]
  return all.map((draw) => draw(measured)).filter((picture) => picture !== undefined)
}

function treeBytes(lines: readonly Measured[]): Picture | undefined {
  const found = named(lines, 'tree alone, bytes beside the entries')
  const title = 'Bytes to find differences by the tree alone'
  return drawn('tree-bytes', title, found, () => {
    const own = { name: `hearsay, n = ${found[0]!.n}`, points: found.map(({ d, value }) => [d!, value] as const) }
    const ranges = found.map(({ d, yardstick }) => [d!, yardstick!.value] as const)
    const reference = { name: 'range-based reconciliation, n = 1000000', points: ranges, isReference: true }
    return lineChart({ title, x: 'entries that differ', y: 'kB', series: [own, reference] })
  })
}

function treeTrips(lines: readonly Measured[]): Picture | undefined {
  const found = named(lines, 'tree alone, round trips')
  const title = 'Round trips to find differences by the tree alone'
  return drawn('tree-round-trips', title, found, () => {
    const own = { name: `hearsay, n = ${found[0]!.n}`, points: found.map(({ d, value }) => [d!, value] as const) }
    const ranges = found.map(({ d, yardstick }) => [d!, yardstick!.value] as const)
    const reference = { name: 'range-based reconciliation, n = 1000000', points: ranges, isReference: true }
    return lineChart({ title, x: 'entries that differ', y: 'round trips', series: [own, reference], isLinear: true })
  })
}

function bytesOverEntries(lines: readonly Measured[]): Picture | undefined {
  const found = lines.filter(({ name }) => /^heal by .*, bytes$/.test(name))
  const title = 'Bytes of a heal, its entries included, over the size of the data set'
  return drawn('heal-bytes', title, found, () => {
    const series = grouped(found, ({ name, d }) => `${name.replace(/^heal by (.*), bytes$/, '$1')}, d = ${d}`)
    return lineChart({ title, x: 'entries', y: 'bytes', series })
  })
}

function healTime(lines: readonly Measured[]): Picture | undefined {
  const found = named(lines, 'heal of two daemons, time')
  const title = 'Time from the connection until two daemons are equal'
  return drawn('heal-time', title, found, () => {
    const own = grouped(found, ({ d }) => `hearsay, d = ${d} on each side`)
    const raw = found.map((line) => ({ ...line, value: line.yardstick!.value }))
    const reference = grouped(raw, ({ d }) => `raw, d = ${d}`).map((series) => ({ ...series, isReference: true }))
    return lineChart({ title, x: 'entries', y: 'ms', series: [...own, ...reference] })
  })
}

function latency(lines: readonly Measured[]): Picture | undefined {
  const found = lines.filter(({ name }) => name.startsWith('put on one node until readable on another'))
  const title = 'Put on one node until readable on another, 200 puts a second'
  return drawn('latency', title, found, () => {
    const labels = found.map(({ name }) => /p\d+$/.exec(name)![0])
    const own = { name: 'hearsay, durable on both', values: found.map(({ value }) => value) }
    const raw = { name: 'raw gossipsub', values: found.map(({ yardstick }) => yardstick!.value), isReference: true }
    return barChart({ title, y: 'ms', labels, series: [own, raw] })
  })
}

function throughput(lines: readonly Measured[]): Picture | undefined {
  const clientsOf = ({ name }: FigureLine) => Number(/(\d+) clients?$/.exec(name)![1])
  const found = lines
    .filter(({ name }) => name.startsWith('durable PUT over the Unix socket'))
    .sort((a, b) => clientsOf(a) - clientsOf(b))
  const title = 'Durable PUTs over the Unix socket'
  return drawn('throughput', title, found, () => {
    const own = { name: 'hearsay', points: found.map((line) => [clientsOf(line), line.value] as const) }
    const bare = found.map((line) => [clientsOf(line), line.yardstick!.value] as const)
    const reference = { name: 'bare server storing into a Map', points: bare, isReference: true }
    return lineChart({ title, x: 'clients', y: 'PUTs a second', series: [own, reference], isLinear: true })
  })
}

function named(lines: readonly Measured[], name: string): Measured[] {
  return lines.filter((line) => line.name === name)
}

/** One series for each group, over the number of entries. */
function grouped(lines: readonly Measured[], nameOf: (line: Measured) => string): Series[] {
  const names = [...new Set(lines.map(nameOf))]
  return names.map((name) => ({
    name,
    points: lines.filter((line) => nameOf(line) === name).map(({ n, value }) => [n!, value] as const),
  }))
}

function drawn(file: string, title: string, found: readonly FigureLine[], draw: () => string): Picture | undefined {
  return found.length === 0 ? undefined : { file: `${file}.svg`, title, svg: draw() }
}
