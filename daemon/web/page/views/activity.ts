/** Activity: warnings with their remedies, charts, the feed of changes, and sessions. */
import { html } from 'htm/preact'
import { signOut } from '../io/session.js'
import { chartPlans } from '../model/charts.js'
import type { ChangeEvent, RecordedSession } from '../model/events.js'
import { clockText, counted, exactText } from '../model/format.js'
import { pageHash } from '../model/places.js'
import { summaryOf } from '../model/sessions.js'
import type { Skipped } from '../model/state.js'
import { typeNoun } from '../model/values.js'
import { ChartPanel } from './chart.js'
import type { PlaceProps } from './mesh.js'
import { Empty, Panel } from './parts.js'

/** Changes that are shown. */
const shownChangesMax = 60

/** The fifth place. */
export function ActivityPlace({ live, status }: PlaceProps) {
  const { warnings, rates, changes, sessions } = live
  return html`<div class="activity-place">
    ${warnings.length > 0 && html`<${Panel} title="Warnings"><ul class="findings">${warnings.map((text) => html`<li key=${text}><span class="mark warn" role="img" aria-label="warning">!</span><p>${text}</p></li>`)}</ul><//>`}
    <div class="charts">${chartPlans.map((plan) => html`<${ChartPanel} key=${plan.id} plan=${plan} rates=${rates} />`)}</div>
    <${Panel} title="Changes" flush=${true} side=${html`<span class="dim">as they arrive here</span>`}>
      ${
        changes.length === 0
          ? html`<${Empty} title="Nothing yet"><p>Each write of the mesh is shown here from now on.</p><//>`
          : html`<ul class="feed">${changes.slice(0, shownChangesMax).map((change) => html`<${ChangeRow} key=${'dot' in change ? `${change.dot} ${change.op}` : `${change.skipped} left out`} change=${change} />`)}</ul>`
      }
    <//>
    <${Panel} title="Sessions" flush=${true}>
      ${
        sessions.length === 0
          ? html`<${Empty} title="No session yet"><p>Members are compared when they differ.</p><//>`
          : html`<ul class="feed">${sessions.map((session) => html`<${SessionRow} key=${session.id} session=${session} self=${status.node} />`)}</ul>`
      }
    <//>
    <p class="actions"><button type="button" class="button quiet" onClick=${() => void signOut()}>Sign out</button></p>
  </div>`
}

const operations: Readonly<Record<ChangeEvent['op'], string>> = { put: 'put', del: 'deleted', expire: 'expired' }

function ChangeRow({ change }: { change: ChangeEvent | Skipped }) {
  if ('skipped' in change)
    return html`<li class="feed-row dim">${counted(change.skipped, 'more change')} not shown</li>`
  const { key, type, field, op, node, time } = change
  return html`<li class="feed-row"><time class="dim small" datetime=${time} title=${exactText(time)}>${clockText(time)}</time>
    <span class="tag">${operations[op]}</span><a href=${pageHash('keys', key)}><code>${key}${field === '' ? '' : ` · ${field}`}</code></a>
    <span class="dim small">${typeNoun(type)} by ${node}</span></li>`
}

function SessionRow({ session, self }: { session: RecordedSession; self: string }) {
  return html`<li class="feed-row"><time class="dim small" datetime=${session.at} title=${exactText(session.at)}>${clockText(session.at)}</time>
    <b>${self} ⇄ ${session.name}</b><span class="dim small">${summaryOf(session)}</span></li>`
}
