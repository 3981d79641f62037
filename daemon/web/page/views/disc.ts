/** One node of the graph: a disc in the hue of its root, with the first digits of the root in it. */
import { html } from 'htm/preact'
import type { GraphNode } from '../model/graph.js'
import type { Point } from '../model/layout.js'

/** Properties of a disc. */
export interface DiscProps {
  readonly node: GraphNode
  readonly at: Point
  readonly radius: number
  readonly isSmall: boolean
  readonly isSelected: boolean
  readonly onSelect: (id: string) => void
}

/** A disc that can be selected. */
export function DiscView({ node, at, radius, isSmall, isSelected, onSelect }: DiscProps) {
  const { id, name, word, digits, isSelf } = node
  const pressed = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' && event.key !== ' ') return
    event.preventDefault()
    onSelect(id)
  }
  const said = `${name}, ${word}${digits === null ? '' : `, root ${digits}`}`
  // Texts stand beside the button: it is named by its label, which says them in order.
  return html`<g transform=${`translate(${at.x.toFixed(1)} ${at.y.toFixed(1)})`}>
    <g class="node" role="button" tabindex="0" aria-label=${said} aria-pressed=${isSelected} data-node=${name} data-hue=${node.hue ?? 'none'}
      onClick=${() => onSelect(id)} onKeyDown=${pressed}>
      <circle class="halo" r=${radius + 6} />
      <circle class=${`disc ${formOf(node)}`} r=${radius} />
      ${isSelf && html`<circle class="self" r=${radius - 4} />`}
      ${isSmall && html`<title>${said}</title>`}
    </g>
    ${isSmall ? null : html`<${DiscText} node=${node} radius=${radius} />`}
  </g>`
}

function DiscText({ node, radius }: { node: GraphNode; radius: number }) {
  return html`<g class="node-text" aria-hidden="true">
    <text class=${`digits ${formOf(node)}`} y="5">${node.digits ?? (node.isHollow ? '' : '?')}</text>
    <text class="name" y=${radius + 18}>${node.name}</text>
    <text class="word" y=${radius + 33}>${node.word}</text></g>`
}

function formOf({ isHollow, hue }: GraphNode): string {
  if (isHollow) return 'hollow'
  return hue === null ? 'unknown' : `hue-${hue}`
}
