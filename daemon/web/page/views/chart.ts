/** One chart over the last minutes, drawn by uPlot; the same in a sentence for those who do not see it. */
import { html } from 'htm/preact'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { useSize } from '../io/surroundings.js'
import { type ChartPlan, chartText, columnsOf } from '../model/charts.js'
import type { Rates } from '../model/events.js'
import { Panel } from './parts.js'

/** Height of the drawing in pixels. */
const chartHeight = 136

/** A chart. */
export function ChartPanel({ plan, rates }: { plan: ChartPlan; rates: readonly Rates[] }) {
  const [attach, { width }, element] = useSize()
  const drawing = useRef<uPlot | null>(null)
  const data = columnsOf(plan, rates) as uPlot.AlignedData
  useEffect(() => {
    if (width === 0 || element === null) return
    const made = new uPlot(optionsOf(plan, width, element), data, element)
    drawing.current = made
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const redraw = () => made.redraw(false, true)
    dark.addEventListener('change', redraw)
    return () => {
      dark.removeEventListener('change', redraw)
      made.destroy()
    }
  }, [width, element])
  useEffect(() => drawing.current?.setData(data), [rates])
  const side = html`<ul class="chart-legend">${plan.series.map(({ label }, at) => html`<li key=${label}><span class=${`stroke stroke-${at}`}></span>${label}</li>`)}</ul>`
  return html`<${Panel} title=${plan.title} side=${side}>
    <div class="chart" ref=${attach} aria-hidden="true"></div>
    <p class="dim small">${rates.length === 0 ? 'Nothing measured yet.' : chartText(plan, rates)}</p>
  <//>`
}

function optionsOf(plan: ChartPlan, width: number, element: HTMLElement): uPlot.Options {
  const colour = (name: string) => () => getComputedStyle(element).getPropertyValue(name).trim()
  const axis = {
    stroke: colour('--axis'),
    grid: { stroke: colour('--grid'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui',
  }
  const dashes = [[], [4, 3], [1, 3]]
  return {
    width,
    height: chartHeight,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
    scales: { y: { range: (_, __, high) => [0, Math.max(high * 1.1, 1)] } },
    axes: [
      { ...axis, size: 24, space: 80, values: '{HH}:{mm}:{ss}' },
      { ...axis, size: 72, space: 40, values: (_, values) => values.map((value) => plan.text(value)) },
    ],
    series: [
      {},
      ...plan.series.map((_, at) => ({
        stroke: colour(`--stroke-${at}`),
        width: 2,
        dash: dashes[at]!,
        points: { show: false },
      })),
    ],
  }
}
