/** The first run: a mesh of one. How a second machine comes in, and a first key. */
import { html } from 'htm/preact'
import type { Status } from '../model/events.js'
import { counted } from '../model/format.js'
import { newKeyHash, pageHash } from '../model/places.js'
import { InviteBody } from './invite.js'
import { Panel } from './parts.js'

/** View of an empty mesh. */
export function FirstRun({ status }: { status: Status }) {
  return html`<div class="first-run">
    <${Panel} title="Add a second machine">
      <p class="lead">With two machines nothing is lost when one of them fails. Each of them takes reads and writes, also when it is alone.</p>
      <${InviteBody} />
    <//>
    <${Panel} title=${status.entries === 0 ? 'Put a first key' : 'Your keys'}>
      <p>${status.entries === 0 ? 'This node takes writes already; what it holds is copied to each machine that joins.' : `${status.node} holds ${counted(status.entries, 'entry', 'entries')}.`}</p>
      <p class="actions"><a class="button primary" href=${status.entries === 0 ? newKeyHash : pageHash('keys')}>${status.entries === 0 ? 'Put a first key' : 'See the keys'}</a></p>
      <p class="dim small">The same from a shell: <code>hearsay put greeting hello</code></p>
    <//>
  </div>`
}
