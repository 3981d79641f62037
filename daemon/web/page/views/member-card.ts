/** One member: its facts, and what can be done about it. */
import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import { call, jsonOf } from '../io/api.js'
import { useAction } from '../io/loading.js'
import { blockConsequence } from '../model/consequences.js'
import type { Member, Status } from '../model/events.js'
import { bytesText, counted } from '../model/format.js'
import { meaningOf, toneOf, wordOf } from '../model/member-words.js'
import { pageHash } from '../model/places.js'
import { Dialog } from './dialog.js'
import { offsetText, RootText } from './node-detail.js'
import { notify } from './notice.js'
import { Ago, Failed, Id, Pill } from './parts.js'

/** Properties of a member. */
export interface MemberCardProps {
  readonly member: Member
  readonly status: Status
  readonly hue: number | undefined
  readonly isOpen: boolean
  readonly onForget: () => void
}

/** A member as a row that opens. */
export function MemberCard({ member, status, hue, isOpen, onForget }: MemberCardProps) {
  const word = wordOf(member, status.members)
  return html`<li class="member">
    <a class="member-row" href=${pageHash('members', isOpen ? null : member.peer)} aria-expanded=${isOpen}>
      <span class=${hue === undefined ? 'spot' : `spot hue-${hue}`}></span>
      <b>${member.name}</b><${Pill} tone=${toneOf(word)}>${word}<//>
      <span class="dim small grow">${member.behind > 0 ? `${counted(member.behind, 'update')} behind` : 'has everything'}</span>
      <span class="dim small"><span>seen </span><${Ago} time=${member.lastSeen} /></span>
    </a>
    ${
      isOpen &&
      html`<div class="member-body">
      <p class="lead">${member.name} ${meaningOf(word)}.</p>
      <dl class="facts wide">
        <dt>Last equal</dt><dd><${Ago} time=${member.lastEqual} /></dd>
        <dt>Root</dt><dd><${RootText} root=${member.root ?? (member.converged ? status.root.slice(0, 8) : null)} hue=${hue} /></dd>
        <dt>Behind</dt><dd>${member.behind === 0 ? 'nothing' : counted(member.behind, 'update')}</dd>
        <dt>Ahead</dt><dd>${member.ahead === 0 ? 'nothing' : counted(member.ahead, 'update')}</dd>
        <dt>Held for it</dt><dd>${member.hints.updates === 0 ? 'nothing' : `${counted(member.hints.updates, 'update')}, ${bytesText(member.hints.bytes)}`}</dd>
        <dt>Clock</dt><dd>${offsetText(member.clockOffsetMs)}</dd>
        <dt>Version</dt><dd>${member.version === '' ? 'not heard' : member.version}</dd>
        <dt>Peer id</dt><dd><${Id} id=${member.peer} what="the peer id" /></dd>
        <dt>Addresses</dt><dd>${member.addresses.length === 0 ? 'none known' : member.addresses.map((address) => html`<code key=${address} class="wrap block">${address}</code>`)}</dd>
      </dl>
      <${MemberActions} member=${member} onForget=${onForget} />
    </div>`
    }
  </li>`
}

function MemberActions({ member, onForget }: { member: Member; onForget: () => void }) {
  const [isAsking, setAsking] = useState(false)
  const action = useAction()
  const { name, peer, blocked, connected } = member
  const done = (act: () => Promise<unknown>, text: string) =>
    action.run(async () => {
      await act()
      setAsking(false)
      notify({ text, tone: 'good' })
    })
  const sync = () => done(() => jsonOf('/v1/sync', { method: 'POST', json: { peer } }), `Compared with ${name}.`)
  const block = () =>
    done(() => call('/v1/block', { method: 'POST', json: { peers: [peer] } }), `Cut off from ${name}.`)
  const unblock = () =>
    done(() => call('/v1/unblock', { method: 'POST', json: { peers: [peer] } }), `No longer cut off from ${name}.`)
  return html`<p class="actions">
      ${connected && html`<button type="button" class="button" disabled=${action.isRunning} onClick=${sync}>Sync now</button>`}
      ${blocked ? html`<button type="button" class="button" disabled=${action.isRunning} onClick=${unblock}>Unblock</button>` : html`<button type="button" class="button" onClick=${() => setAsking(true)}>Block…</button>`}
      <button type="button" class="button danger" onClick=${onForget}>Forget…</button></p>
    ${action.failure && html`<${Failed} text=${action.failure} />`}
    ${
      isAsking &&
      html`<${Dialog} title=${`Block ${name}?`} onClose=${() => setAsking(false)}>
      <p>${blockConsequence(member)}</p>
      ${action.failure && html`<${Failed} text=${action.failure} />`}
      <p class="actions"><button type="button" class="button primary" disabled=${action.isRunning} onClick=${block}>Block</button><button type="button" class="button" onClick=${() => setAsking(false)}>Leave it</button></p>
    <//>`
    }`
}
