/** The mesh: the living graph, what is known of the selected node, the last heal, and every fact in a table. */
import { html } from 'htm/preact'
import { useMemo } from 'preact/hooks'
import { go } from '../io/surroundings.js'
import type { Status } from '../model/events.js'
import { graphOf } from '../model/graph.js'
import { membersBehind } from '../model/member-words.js'
import { type PagePlace, pageHash } from '../model/places.js'
import type { LiveState } from '../model/state.js'
import { FirstRun } from './first-run.js'
import { HealPanel } from './heal.js'
import { MeshGraph } from './mesh-graph.js'
import { MeshTable } from './mesh-table.js'
import { NodeDetail } from './node-detail.js'
import { Panel } from './parts.js'

/** Properties of each of the five places. */
export interface PlaceProps {
  readonly live: LiveState
  readonly status: Status
  readonly place: PagePlace
}

/** The first place. */
export function MeshPlace({ live, status, place }: PlaceProps) {
  const graph = useMemo(() => graphOf(status, live.roots, live.hues), [status, live.roots, live.hues])
  if (status.members.length === 0) return html`<${FirstRun} status=${status} />`
  const selected = place.item ?? membersBehind(status)[0]?.peer ?? status.peer
  const select = (id: string) => go(pageHash('mesh', id))
  const side = html`<${Legend} />`
  return html`<div class="mesh-place">
    <${Panel} title="Who is equal" side=${side} flush=${true}>
      <${MeshGraph} graph=${graph} sessions=${live.sessions} selected=${selected} onSelect=${select} />
    <//>
    <${NodeDetail} status=${status} hues=${live.hues} id=${selected} />
    <${HealPanel} sessions=${live.sessions} self=${status.node} place=${place} />
    <${MeshTable} status=${status} roots=${live.roots} hues=${live.hues} selected=${selected} onSelect=${select} />
  </div>`
}

function Legend() {
  return html`<ul class="legend" aria-label="Legend">
    <li><svg viewBox="0 0 24 16" width="24" height="16" aria-hidden="true"><circle class="disc hue-0" cx="6" cy="8" r="5" /><circle class="disc hue-0" cx="18" cy="8" r="5" /></svg>same colour: equal</li>
    <li><svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><circle class="disc hollow" cx="8" cy="8" r="6" /></svg>away</li>
    <li><svg viewBox="0 0 28 16" width="28" height="16" aria-hidden="true"><path class="link gap" d="M1 8H10M18 8H27" /></svg>cut</li>
    <li><svg viewBox="0 0 28 16" width="28" height="16" aria-hidden="true"><path class="link bar" d="M1 8H27M14 2V14" /></svg>blocked</li>
  </ul>`
}
