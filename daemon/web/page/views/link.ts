/** One link of the graph: whole, with a gap, or with a bar; entries travel on it while a session runs. */
import { html } from 'htm/preact'
import { wantsStillness } from '../io/surroundings.js'
import type { GraphLink } from '../model/graph.js'
import { type Point, towards } from '../model/layout.js'
import type { LinkFlow } from './mesh-graph.js'

/** Half the length of the bar of a blocked link. */
const barLength = 10
/** Part of a cut link that is missing in its middle. */
const gap = 0.3

/** Length from which a link has space for numbers. */
const labelledLength = 96

/** Properties of a link. */
export interface LinkProps {
  readonly link: GraphLink
  readonly from: Point
  readonly to: Point
  readonly radius: number
  readonly flow: LinkFlow | undefined
}

/** A link between the edges of two discs. */
export function LinkView({ link, from, to, radius, flow }: LinkProps) {
  const length = Math.hypot(to.x - from.x, to.y - from.y)
  if (length < 2 * radius) return null
  const start = towards(from, to, radius / length)
  const end = towards(to, from, radius / length)
  const isActive = flow !== undefined && link.form === 'line'
  return html`<g data-link=${link.form}>
    <path class=${`link ${link.form} ${isActive ? 'active' : ''}`} d=${pathOf(link.form, start, end)} />
    ${isActive && html`<${Travelling} start=${start} end=${end} flow=${flow} />`}
  </g>`
}

function pathOf(form: GraphLink['form'], start: Point, end: Point): string {
  const half = (1 - gap) / 2
  if (form === 'gap') return `${line(start, towards(start, end, half))}${line(towards(end, start, half), end)}`
  if (form === 'line') return line(start, end)
  const middle = towards(start, end, 0.5)
  const length = Math.hypot(end.x - start.x, end.y - start.y)
  const across = { x: (-(end.y - start.y) / length) * barLength, y: ((end.x - start.x) / length) * barLength }
  const one = { x: middle.x + across.x, y: middle.y + across.y }
  return line(start, end) + line(one, { x: middle.x - across.x, y: middle.y - across.y })
}

function line(from: Point, to: Point): string {
  return `M${spot(from)}L${spot(to)}`
}

function spot({ x, y }: Point): string {
  return `${x.toFixed(1)} ${y.toFixed(1)}`
}

function Travelling({ start, end, flow }: { start: Point; end: Point; flow: LinkFlow }) {
  const middle = towards(start, end, 0.5)
  const way = (from: Point, to: Point) =>
    html`<circle class="entry" r="4"><animateMotion dur="0.9s" repeatCount="indefinite" path=${line(from, to)} /></circle>`
  const moves = !wantsStillness()
  return html`${moves && flow.sent > 0 && way(start, end)}${moves && flow.received > 0 && way(end, start)}
    ${Math.hypot(end.x - start.x, end.y - start.y) > labelledLength && html`<text class="flow" x=${middle.x} y=${middle.y - 8}>↑ ${flow.sent}  ↓ ${flow.received}</text>`}`
}
