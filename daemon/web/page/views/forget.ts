/** Forgetting a member: its consequences first, and its name has to be typed. */
import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import { call, segment } from '../io/api.js'
import { useAction } from '../io/loading.js'
import { useNow } from '../io/store.js'
import { forgetConsequences } from '../model/consequences.js'
import type { Member } from '../model/events.js'
import { Dialog } from './dialog.js'
import { notify } from './notice.js'
import { Failed } from './parts.js'

/** The dialog. */
export function ForgetDialog({ member, onClose }: { member: Member; onClose: () => void }) {
  const nowMs = useNow()
  const [typed, setTyped] = useState('')
  const action = useAction()
  const { name, peer } = member
  const forget = (event: Event) => {
    event.preventDefault()
    action.run(async () => {
      await call(`/v1/members/${segment(peer)}`, { method: 'DELETE' })
      notify({ text: `${name} is forgotten.`, tone: 'good' })
      onClose()
    })
  }
  return html`<${Dialog} title=${`Forget ${name} for good?`} onClose=${onClose}>
    <ul class="consequences">${forgetConsequences(member, nowMs).map((text) => html`<li key=${text}>${text}</li>`)}</ul>
    <form onSubmit=${forget}>
      <label for="forget-name">Type <b>${name}</b> to forget it</label>
      <input id="forget-name" autocomplete="off" value=${typed} onInput=${(event: InputEvent) => setTyped((event.target as HTMLInputElement).value)} />
      ${action.failure && html`<${Failed} text=${action.failure} />`}
      <p class="actions"><button class="button danger" disabled=${typed !== name || action.isRunning}>Forget ${name}</button>
        <button type="button" class="button" onClick=${onClose}>Keep it</button></p>
    </form>
  <//>`
}
