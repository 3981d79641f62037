/**
 * Placement of the nodes of the graph: by force in small meshes, so that cut sides drift apart; in groups of equals in
 * large ones.
 */
import {
  forceCollide,
  forceLink,
  forceManyBody,
  forceSimulation,
  forceX,
  forceY,
  type SimulationNodeDatum,
} from 'd3-force'
import { type Graph, linksNodesMax } from './graph.js'

/** Steps of the simulation; it has come to rest by then. */
const ticks = 240
/** Wanted length of a link. */
const linkLength = 150
/** Wanted length of a link that is cut: sides drift apart. */
const cutLength = 230
/** Distance of neighbours in a large mesh. */
const seedDistance = 15
/** The golden angle, by which the seeds of a sunflower follow each other. */
const goldenAngle = Math.PI * (3 - Math.sqrt(5))
/** A picture is not enlarged beyond this. */
const scaleMax = 1.4
/** One side of a picture is enlarged at most so much more than the other. */
const stretchMax = 1.7

/** A place. */
export interface Point {
  readonly x: number
  readonly y: number
}
/** The place of each node by its id. */
export type Placement = ReadonlyMap<string, Point>
/** The box that places are fitted into, with the space that stays free at its edges. */
export interface Box {
  readonly width: number
  readonly height: number
  readonly marginX: number
  readonly marginTop: number
  readonly marginBottom: number
}

interface Wire {
  readonly source: string
  readonly target: string
  readonly isWhole: boolean
}

interface Body extends SimulationNodeDatum {
  readonly id: string
}

/** Placement for all nodes: the same graph from the same places gives the same. */
export function layoutOf(graph: Graph, before: Placement): Map<string, Point> {
  return graph.nodes.length > linksNodesMax ? sunflower(graph) : settled(graph, before)
}

/** Placement moved and scaled into a box. */
export function fittedPlacement(
  places: Placement,
  { width, height, marginX, marginTop, marginBottom }: Box,
): Map<string, Point> {
  const points = [...places.values()]
  const [left, right] = extent(points.map(({ x }) => x))
  const [top, bottom] = extent(points.map(({ y }) => y))
  const across = (width - 2 * marginX) / Math.max(right - left, 1)
  const down = (height - marginTop - marginBottom) / Math.max(bottom - top, 1)
  const least = Math.min(across, down)
  const scale = (own: number) => Math.min(own, least * stretchMax, scaleMax)
  const move = ({ x, y }: Point) => ({
    x: width / 2 + (x - (left + right) / 2) * scale(across),
    y: (height + marginTop - marginBottom) / 2 + (y - (top + bottom) / 2) * scale(down),
  })
  return new Map([...places].map(([id, point]) => [id, move(point)]))
}

/** A point on the way from one to another, at a part of it. */
export function towards(from: Point, to: Point, part: number): Point {
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part }
}

/** Placement between two layouts, at a part of the way; a node that was not there before is at its end at once. */
export function between(start: Placement, end: Placement, part: number): Map<string, Point> {
  return new Map([...end].map(([id, to]) => [id, towards(start.get(id) ?? to, to, part)]))
}

/** A text that changes when nodes or links do, and not when roots do. */
export function shapeOf({ nodes, links }: Graph): string {
  return [...nodes.map(({ id }) => id), ...links.map(({ id, form }) => `${id} ${form}`)].join('\n')
}

function settled(graph: Graph, before: Placement): Map<string, Point> {
  const bodies = graph.nodes.map(
    ({ id }, at): Body => ({ id, ...(before.get(id) ?? ringPoint(at, graph.nodes.length)) }),
  )
  const wires = graph.links.map(({ from, to, form }): Wire => ({ source: from, target: to, isWhole: form === 'line' }))
  const pull = 1 / Math.max(2, Math.sqrt(graph.nodes.length))
  const link = forceLink<Body, Wire>(wires)
    .id(({ id }) => id)
    .distance(({ isWhole }) => (isWhole ? linkLength : cutLength))
    .strength(({ isWhole }) => (isWhole ? pull : pull / 4))
  forceSimulation(bodies)
    .force('link', link)
    .force(
      'charge',
      forceManyBody<Body>()
        .strength(-700)
        .distanceMax(4 * linkLength),
    )
    .force('apart', forceCollide<Body>(48))
    .force('x', forceX<Body>().strength(0.04))
    .force('y', forceY<Body>().strength(0.08))
    .stop()
    .tick(ticks)
  return new Map(bodies.map(({ id, x = 0, y = 0 }) => [id, { x, y }]))
}

/** Nodes around a circle, this node at its left. */
function ringPoint(at: number, count: number): Point {
  const angle = Math.PI + (2 * Math.PI * at) / count
  const radius = linkLength * Math.max(1, count / 8)
  return { x: radius * Math.cos(angle), y: radius * Math.sin(angle) }
}

function sunflower({ nodes }: Graph): Map<string, Point> {
  const order = (hue: number | null) => hue ?? Number.MAX_SAFE_INTEGER
  const sorted = nodes.toSorted((a, b) => order(a.hue) - order(b.hue) || Number(b.isSelf) - Number(a.isSelf))
  return new Map(sorted.map(({ id }, at) => [id, seedPoint(at)]))
}

function seedPoint(at: number): Point {
  const radius = seedDistance * Math.sqrt(at)
  return { x: radius * Math.cos(at * goldenAngle), y: radius * Math.sin(at * goldenAngle) }
}

function extent(values: readonly number[]): readonly [number, number] {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ] as [number, number])
}
