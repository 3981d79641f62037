/** The graph of the mesh, drawn: discs whose colour is equality, links with a gap or a bar, entries on their way. */
import { html } from 'htm/preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { useSize, wantsStillness } from '../io/surroundings.js'
import type { RecordedSession } from '../model/events.js'
import type { Graph, GraphLink, GraphNode } from '../model/graph.js'
import { type Box, between, fitted, layoutOf, type Placement, shapeOf } from '../model/layout.js'
import { running, sceneAt } from '../model/sessions.js'
import { DiscView } from './disc.js'
import { LinkView } from './link.js'

/** Milliseconds that nodes take to their new places. */
const moveMs = 700
/** Nodes beyond which discs are small and without text. */
const largeNodesMax = 40

/** Properties of the graph. */
export interface MeshGraphProps {
  readonly graph: Graph
  readonly sessions: readonly RecordedSession[]
  readonly selected: string
  readonly onSelect: (id: string) => void
}

/** The graph in the space that it is given. */
export function MeshGraph({ graph, sessions, selected, onSelect }: MeshGraphProps) {
  const [element, { width, height }] = useSize()
  const isLarge = graph.nodes.length > largeNodesMax
  const radius = isLarge ? 7 : width < 480 ? 24 : 30
  const kept = useRef<Placement>(new Map())
  const shape = shapeOf(graph)
  kept.current = useMemo(() => layoutOf(graph, kept.current), [shape])
  const box: Box = {
    width,
    height,
    marginX: radius + 40,
    marginTop: radius + 10,
    marginBottom: radius + (isLarge ? 16 : 44),
  }
  const target = useMemo(() => fitted(kept.current, box), [shape, width, height])
  const places = useMoving(target)
  const order = graph.nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const flows = useMemo(() => flowsOf(sessions), [sessions])
  const self = graph.nodes.find(({ isSelf }) => isSelf)?.id
  const end = (id: string) => places.get(id) ?? { x: width / 2, y: height / 2 }
  return html`<div class="graph" ref=${element}>
    ${
      width > 0 &&
      html`<svg viewBox=${`0 0 ${width} ${height}`} width=${width} height=${height} role="group" aria-label="The mesh as a graph; the table below has the same facts">
      ${graph.links.map((link: GraphLink) => html`<${LinkView} key=${link.id} link=${link} from=${end(link.from)} to=${end(link.to)} radius=${radius} flow=${link.from === self ? flows.get(link.to) : undefined} />`)}
      ${order.map(
        (
          node: GraphNode,
        ) => html`<${DiscView} key=${node.id} node=${node} at=${end(node.id)} radius=${radius} isSmall=${isLarge}
        isSelected=${node.id === selected} onSelect=${onSelect} />`,
      )}
    </svg>`
    }
  </div>`
}

/** The entries that a running session has moved. */
export interface LinkFlow {
  readonly sent: number
  readonly received: number
}

function flowsOf(sessions: readonly RecordedSession[]): Map<string, LinkFlow> {
  const flow = (session: RecordedSession) =>
    sceneAt(session, Number.POSITIVE_INFINITY).entries ?? { sent: 0, received: 0 }
  return new Map(running(sessions).map((session) => [session.peer, flow(session)]))
}

/** Placement on their way to new ones; at once for who wants no movement, and nothing moves at rest. */
function useMoving(target: Placement): Placement {
  const [places, setPlaces] = useState(target)
  const present = useRef(target)
  present.current = places
  useEffect(() => {
    const start = present.current
    if (start.size === 0 || wantsStillness()) return setPlaces(target)
    const startMs = performance.now()
    let frame = 0
    const step = (nowMs: number) => {
      const part = Math.min(1, Math.max(0, (nowMs - startMs) / moveMs))
      setPlaces(part === 1 ? target : between(start, target, 1 - (1 - part) ** 3))
      if (part < 1) frame = requestAnimationFrame(step)
    }
    frame = requestAnimationFrame(step)
    return () => cancelAnimationFrame(frame)
  }, [target])
  return places
}
