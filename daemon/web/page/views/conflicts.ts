/** Conflicts, read like mail: the list, and the selected one. */
import { html } from 'htm/preact'
import type { Conflict } from '../../../../protocols/api/conflicts.js'
import { useLive } from '../io/live.js'
import { useLoaded } from '../io/loading.js'
import { listConflicts } from '../io/writes.js'
import { conflictId, conflictName, conflictPreview, latestOf } from '../model/mail.js'
import { pageHash } from '../model/places.js'
import { ConflictBody } from './conflict-body.js'
import type { PlaceProps } from './mesh.js'
import { Ago, Empty, Failed, Icon, Loading, Panel } from './parts.js'

/** The third place. */
export function ConflictsPlace({ status, place }: PlaceProps) {
  const { changes } = useLive()
  const last = changes.find((change) => 'dot' in change)
  const seen = `${status.conflicts} ${last !== undefined && 'dot' in last ? last.dot : ''}`
  const { value, failure, again } = useLoaded(listConflicts, [seen])
  if (failure !== null) return html`<${Failed} text=${failure.message} again=${again} />`
  if (value === null) return html`<${Loading} what="conflicts" />`
  if (value.items.length === 0)
    return html`<${Panel} title="Conflicts"><${Empty} title="Nothing needs a decision"><p>When two sides of a cut write the same key, both versions are kept and shown here until someone decides.</p><//><//>`
  const chosen = value.items.find((conflict) => conflictId(conflict) === place.item)
  const shown = chosen ?? value.items[0]!
  return html`<div class=${chosen === undefined ? 'conflicts-place' : 'conflicts-place open'}>
    <${Panel} title="Conflicts" side=${html`<span class="dim">${value.next === null ? value.items.length : `first ${value.items.length}`}</span>`} flush=${true}>
      <ul class="mail">${value.items.map((conflict) => html`<${Letter} key=${conflictId(conflict)} conflict=${conflict} isShown=${conflict === shown} />`)}</ul>
    <//>
    <div class="letter-side">
      <a class="back" href=${pageHash('conflicts')}><${Icon} name="back" />All conflicts</a>
      <${Panel} title=${conflictName(shown)} side=${html`<a href=${pageHash('keys', shown.key)}>open the key</a>`}>
        <${ConflictBody} key=${shown.context} conflict=${shown} onSettled=${again} />
      <//>
    </div>
  </div>`
}

function Letter({ conflict, isShown }: { conflict: Conflict; isShown: boolean }) {
  const nodes = [...new Set(conflict.versions.map(({ node }) => node))]
  return html`<li><a class="letter" href=${pageHash('conflicts', conflictId(conflict))} aria-current=${isShown ? 'true' : undefined}>
    <span class="letter-head"><b>${nodes.join(', ')}</b><span class="dim small"><${Ago} time=${latestOf(conflict)} /></span></span>
    <code>${conflictName(conflict)}</code>
    <span class="dim small">${conflictPreview(conflict)}</span></a></li>`
}
