/** Facts of the selected node: first in a sentence, then fact by fact, then what can be done. */
import { html } from 'htm/preact'
import { jsonOf } from '../io/api.js'
import { useLoaded } from '../io/loading.js'
import { useNow } from '../io/store.js'
import { bytesOfSize, hintText } from '../model/consequences.js'
import type { Member, Status } from '../model/events.js'
import { bytesText, counted, countText, lengthText } from '../model/format.js'
import type { Hues } from '../model/hues.js'
import { meaningOf, toneOf, wordOf } from '../model/member-words.js'
import { pageHash } from '../model/places.js'
import { Ago, Id, Panel, Pill } from './parts.js'

/** Properties of the detail. */
export interface NodeDetailProps {
  readonly status: Status
  readonly hues: Hues
  readonly id: string
}

/** The facts of one node. */
export function NodeDetail({ status, hues, id }: NodeDetailProps) {
  const member = status.members.find(({ peer }) => peer === id)
  if (member === undefined) return html`<${OwnDetail} status=${status} hue=${hues.get(status.peer)} />`
  return html`<${MemberDetail} status=${status} member=${member} hue=${hues.get(id)} />`
}

function OwnDetail({ status, hue }: { status: Status; hue: number | undefined }) {
  return html`<${Panel} title=${status.node} side=${html`<span class="dim">this node</span>`}>
    <dl class="facts">
      <dt>Entries</dt><dd>${countText(status.entries)}</dd>
      <dt>Root</dt><dd><${RootText} root=${status.root.slice(0, 8)} hue=${hue} /></dd>
      <dt>Store</dt><dd>${status.verified ? 'verified' : 'being verified'}</dd>
      <dt>Kept for others</dt><dd>${bytesText(status.log.bytes)}</dd>
      <dt>Version</dt><dd>${status.version}</dd>
      <dt>Peer id</dt><dd><${Id} id=${status.peer} what="the peer id" /></dd>
      <dt>Addresses</dt><dd><${Addresses} list=${status.addresses} /></dd>
    </dl>
  <//>`
}

function MemberDetail({ status, member, hue }: { status: Status; member: Member; hue: number | undefined }) {
  const word = wordOf(member, status.members)
  return html`<${Panel} title=${member.name} side=${html`<${Pill} tone=${toneOf(word)}>${word}<//>`}>
    <p class="lead">${member.name} ${meaningOf(word)}.</p>
    <${HintLine} status=${status} member=${member} />
    <dl class="facts">
      <dt>Root</dt><dd><${RootText} root=${member.root ?? (member.converged ? status.root.slice(0, 8) : null)} hue=${hue} /></dd>
      <dt>Behind</dt><dd>${member.behind === 0 ? 'has everything' : counted(member.behind, 'update')}</dd>
      <dt>Ahead</dt><dd>${member.ahead === 0 ? 'nothing new' : counted(member.ahead, 'update')}</dd>
      <dt>Last equal</dt><dd><${Ago} time=${member.lastEqual} /></dd>
      <dt>Last seen</dt><dd><${Ago} time=${member.lastSeen} /></dd>
      <dt>Clock</dt><dd>${offsetText(member.clockOffsetMs)}</dd>
      <dt>Version</dt><dd>${member.version === '' ? 'not heard' : member.version}</dd>
      <dt>Addresses</dt><dd><${Addresses} list=${member.addresses} /></dd>
    </dl>
    <p class="actions"><a class="button" href=${pageHash('members', member.peer)}>${member.connected || member.blocked ? 'Manage' : 'Forget, or see why'}…</a></p>
  <//>`
}

function HintLine({ status, member }: { status: Status; member: Member }) {
  const nowMs = useNow()
  const limit = useLogLimit()
  const text = hintText(member, status.node, limit, nowMs)
  return text === null ? null : html`<p>${text}</p>`
}

/** The limit of the log in bytes, as it is configured; null while it is not known. */
function useLogLimit(): number | null {
  const { value } = useLoaded(
    (signal) => jsonOf<{ settings: { name: string; value: unknown }[] }>('/v1/config', { signal }),
    [],
  )
  return bytesOfSize(value?.settings.find(({ name }) => name === 'log.maxBytes')?.value)
}

/** A member's clock against ours. */
export function offsetText(offsetMs: number | null): string {
  if (offsetMs === null) return 'not heard'
  const size = lengthText(Math.abs(offsetMs))
  return Math.abs(offsetMs) < 1 ? 'as here' : `${size} ${offsetMs > 0 ? 'ahead' : 'behind'}`
}

/** Digits of a root beside a spot of its hue. */
export function RootText({ root, hue }: { root: string | null; hue: number | undefined }) {
  if (root === null) return html`<span class="dim">not heard</span>`
  return html`<span class="root"><span class=${hue === undefined ? 'spot' : `spot hue-${hue}`}></span><code>${root}</code></span>`
}

function Addresses({ list }: { list: readonly string[] }) {
  if (list.length === 0) return html`<span class="dim">none known</span>`
  return html`<ul class="plain-list">${list.map((address) => html`<li key=${address}><code class="wrap">${address}</code></li>`)}</ul>`
}
