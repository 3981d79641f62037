/** Pictures of figures: lines over a logarithmic axis, and bars side by side. Plain SVG, nothing to load. */

/** Points that belong together. A reference is what others reach: it is drawn dashed and grey. */
export interface Series {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  readonly isReference?: boolean
}

/** One picture. */
export interface Chart {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly series: readonly Series[]
  /** The vertical axis begins at 0 and is linear. */
  readonly isLinear?: boolean
  /** The horizontal axis is time: linear from 0, with lines that have no dots. */
  readonly isTime?: boolean
  /** Spans of the horizontal axis that are shaded. */
  readonly spans?: readonly (readonly [from: number, to: number])[]
}

/** Bars side by side for each label. */
export interface BarChart {
  readonly title: string
  readonly y: string
  readonly labels: readonly string[]
  readonly series: readonly {
    readonly name: string
    readonly values: readonly number[]
    readonly isReference?: boolean
  }[]
}

const width = 640
const height = 360
const plot = { left: 72, right: 620, top: 72, bottom: 304 }
const colours = ['#2563b0', '#b4531b', '#2f7d4f', '#7a4ba0']
const referenceColour = '#7b8490'
const linesOfAxis = 5

/** Draws lines over a logarithmic horizontal axis, or over time. */
export function lineChart(chart: Chart): string {
  const points = chart.series.flatMap((series) => series.points)
  const xs = chart.isTime ? evenTicks(Math.max(...points.map(([x]) => x))) : decades(points.map(([x]) => x))
  const ys = chart.isLinear ? evenTicks(Math.max(...points.map(([, y]) => y))) : decades(points.map(([, y]) => y))
  const atX = chart.isTime ? linearScale(xs, plot.left, plot.right) : logScale(xs, plot.left, plot.right)
  const atY = chart.isLinear ? linearScale(ys, plot.bottom, plot.top) : logScale(ys, plot.bottom, plot.top)
  const axis = [...yAxis(ys, atY, chart.y), ...xs.map((x) => xLabel(atX(x), shortNumber(x))), xTitle(chart.x)]
  const drawn = chart.series.map((series, at) => {
    const colour = colourOf(series, at)
    const path = series.points.map(([x, y]) => `${atX(x).toFixed(1)},${atY(y).toFixed(1)}`).join(' ')
    const dash = series.isReference ? ' stroke-dasharray="5 4"' : ''
    const dots = (chart.isTime ? [] : series.points).map(
      ([x, y]) =>
        `<circle cx="${atX(x).toFixed(1)}" cy="${atY(y).toFixed(1)}" r="3.5" fill="${colour}"><title>${escaped(`${series.name}: ${shortNumber(y)}`)}</title></circle>`,
    )
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>${dots.join('')}`
  })
  const shaded = (chart.spans ?? []).map(([from, to]) => shade(atX(from), atX(to)))
  return picture(chart.title, [...shaded, ...axis, ...drawn, ...legend(chart.series)])
}

function shade(from: number, to: number): string {
  const size = `width="${Math.max(1, to - from).toFixed(1)}" height="${plot.bottom - plot.top}"`
  return `<rect x="${from.toFixed(1)}" y="${plot.top}" ${size} fill="#f1ece2"/>`
}

/** Draws bars from 0. */
export function barChart(chart: BarChart): string {
  const ys = evenTicks(Math.max(...chart.series.flatMap(({ values }) => values)))
  const atY = linearScale(ys, plot.bottom, plot.top)
  const group = (plot.right - plot.left) / chart.labels.length
  const bar = Math.min(48, (group * 0.7) / chart.series.length)
  const drawn = chart.labels.flatMap((label, at) => {
    const middle = plot.left + group * (at + 0.5)
    const bars = chart.series.map((series, other) => {
      const x = middle + (other - chart.series.length / 2) * bar
      const y = atY(series.values[at]!)
      const size = `width="${(bar - 4).toFixed(1)}" height="${(plot.bottom - y).toFixed(1)}"`
      const text = `<text x="${(x + bar / 2 - 2).toFixed(1)}" y="${(y - 5).toFixed(1)}" text-anchor="middle" class="small">${shortNumber(series.values[at]!)}</text>`
      return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${size} fill="${colourOf(series, other)}"/>${text}`
    })
    return [...bars, xLabel(middle, label)]
  })
  return picture(chart.title, [...yAxis(ys, atY, chart.y), ...drawn, ...legend(chart.series)])
}

function colourOf({ isReference }: { readonly isReference?: boolean }, at: number): string {
  return isReference ? referenceColour : colours[at % colours.length]!
}

/** Powers of ten around some numbers. */
function decades(values: readonly number[]): number[] {
  const positive = values.filter((value) => value > 0)
  const first = Math.floor(Math.log10(Math.min(...positive)) + 1e-9)
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...positive)) - 1e-9))
  return Array.from({ length: last - first + 1 }, (_, at) => 10 ** (first + at))
}

/** Round numbers from 0 to beyond the greatest. */
function evenTicks(most: number): number[] {
  const rough = most / linesOfAxis
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough)!
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, at) => Number((at * step).toPrecision(6)))
}

function logScale(ticks: readonly number[], from: number, to: number): (value: number) => number {
  const [first, last] = [Math.log10(ticks[0]!), Math.log10(ticks.at(-1)!)]
  return (value) => from + ((Math.log10(Math.max(value, ticks[0]!)) - first) / (last - first)) * (to - from)
}

function linearScale(ticks: readonly number[], from: number, to: number): (value: number) => number {
  return (value) => from + (value / ticks.at(-1)!) * (to - from)
}

function yAxis(ticks: readonly number[], at: (value: number) => number, title: string): string[] {
  const lines = ticks.map((tick) => {
    const y = at(tick).toFixed(1)
    const line = `<line x1="${plot.left}" x2="${plot.right}" y1="${y}" y2="${y}" stroke="#dfe3e8"/>`
    return `${line}<text x="${plot.left - 8}" y="${Number(y) + 4}" text-anchor="end" class="small">${shortNumber(tick)}</text>`
  })
  return [...lines, `<text x="${plot.left - 56}" y="${plot.top - 14}" class="small">${escaped(title)}</text>`]
}

function xLabel(x: number, label: string): string {
  return `<text x="${x.toFixed(1)}" y="${plot.bottom + 18}" text-anchor="middle" class="small">${escaped(label)}</text>`
}

function xTitle(title: string): string {
  return `<text x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 40}" text-anchor="middle" class="small">${escaped(title)}</text>`
}

function legend(series: readonly { readonly name: string; readonly isReference?: boolean }[]): string[] {
  let x = plot.left
  let y = 35
  return series.map((one, at) => {
    const needed = 34 + one.name.length * 6.4
    if (x > plot.left && x + needed > width) {
      x = plot.left
      y += 15
    }
    const square = `<rect x="${x}" y="${y}" width="12" height="12" fill="${colourOf(one, at)}"/>`
    const entry = `${square}<text x="${x + 17}" y="${y + 10}" class="small">${escaped(one.name)}</text>`
    x += needed
    return entry
  })
}

function picture(title: string, parts: readonly string[]): string {
  const style = `text{font-family:system-ui,sans-serif;fill:#1c232b}.small{font-size:12px;fill:#48525d}`
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`
  const ground = `<rect width="${width}" height="${height}" fill="#ffffff"/>`
  const heading = `<text x="16" y="22" font-size="14" font-weight="600">${escaped(title)}</text>`
  return `${[head, `<style>${style}</style>`, ground, heading, ...parts, '</svg>'].join('\n')}\n`
}

/** A number in few characters: 1200 is 1.2k. */
export function shortNumber(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`
  if (value >= 1e3) return `${Number((value / 1e3).toPrecision(3))}k`
  return `${Number(value.toPrecision(3))}`
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;')
}
