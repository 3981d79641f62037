/** The heal: the running session, or the last ones, to be watched and played back. */
import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import type { RecordedSession } from '../model/events.js'
import { clockText } from '../model/format.js'
import type { PagePlace } from '../model/places.js'
import { endOf, lastHeal, running, summaryOf } from '../model/sessions.js'
import { Ago, Empty, Panel } from './parts.js'
import { Player } from './player.js'

/** Sessions that are listed beside the one that is shown. */
const listedMax = 6

/** Properties of the panel. */
export interface HealProps {
  readonly sessions: readonly RecordedSession[]
  readonly self: string
  readonly place: PagePlace
}

/** The panel of the heal. */
export function HealPanel({ sessions, self }: HealProps) {
  const [chosen, setChosen] = useState<string | null>(null)
  const [now] = running(sessions)
  const shown = sessions.find(({ id }) => id === chosen) ?? now ?? lastHeal(sessions) ?? sessions[0]
  if (shown === undefined) {
    return html`<${Panel} title="The last heal"><${Empty} title="No session yet">
      <p>When two copies differ, this node and a member swap what they know. It is shown here as it happens, and can be played back.</p><//><//>`
  }
  const title = endOf(shown) === null ? 'A heal, now' : 'The last heal'
  return html`<${Panel} title=${title} side=${html`<span class="dim"><${Ago} time=${shown.at} /></span>`}>
    <div class="heal">
      <${Player} key=${shown.id} session=${shown} self=${self} />
      <ul class="sessions" aria-label="Sessions">
        ${sessions.slice(0, listedMax).map(
          (session) => html`<li key=${session.id}>
          <button type="button" class="row-button" aria-pressed=${session.id === shown.id} onClick=${() => setChosen(session.id)}>
            <span class="session-head"><b>${self} ⇄ ${session.name}</b><time datetime=${session.at} class="dim">${clockText(session.at)}</time></span>
            <span class="dim small">${summaryOf(session)}</span>
          </button></li>`,
        )}
      </ul>
    </div>
  <//>`
}
