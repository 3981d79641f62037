/** Members: who they are and how they are, what the doctor found, and how one comes in, is cut off, or goes. */
import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import { jsonOf } from '../io/api.js'
import { useLoaded } from '../io/loading.js'
import { go } from '../io/surroundings.js'
import type { Finding, Member } from '../model/events.js'
import { countText } from '../model/format.js'
import { pageHash } from '../model/places.js'
import { Dialog } from './dialog.js'
import { ForgetDialog } from './forget.js'
import { InviteBody } from './invite.js'
import { MemberCard } from './member-card.js'
import type { PlaceProps } from './mesh.js'
import { Empty, Failed, Icon, Loading, Panel } from './parts.js'
import { useShownCount } from './shown-count.js'

/** The fourth place. */
export function MembersPlace({ live, status, place }: PlaceProps) {
  const { members } = status
  const [forgetting, setForgetting] = useState<Member | null>(null)
  const { count, more } = useShownCount(members.length)
  const close = () => go(pageHash('members'))
  const add = html`<a class="button primary" href=${pageHash('members', 'invite')}><${Icon} name="plus" />Add a machine</a>`
  return html`<div class="members-place">
    <${Panel} title=${members.length === 0 ? 'Members' : `${countText(members.length)} other ${members.length === 1 ? 'member' : 'members'}`} side=${add} flush=${true}>
      ${members.length === 0 && html`<${Empty} title="No other machine yet"><p>Add one, so that what this node holds is copied.</p><//>`}
      <ul class="member-list">${members.slice(0, count).map(
        (
          member,
        ) => html`<${MemberCard} key=${member.peer} member=${member} status=${status} hue=${live.hues.get(member.peer)}
        isOpen=${place.item === member.peer} onForget=${() => setForgetting(member)} />`,
      )}</ul>${more}
    <//>
    <${DoctorPanel} />
    ${place.item === 'invite' && html`<${Dialog} title="Add a machine" onClose=${close}><${InviteBody} /><//>`}
    ${forgetting !== null && html`<${ForgetDialog} member=${forgetting} onClose=${() => setForgetting(null)} />`}
  </div>`
}

const findingMarks: Readonly<Record<Finding['level'], string>> = { ok: '✓', warn: '!', fail: '×' }

/** Findings of the doctor, the worst first. */
function DoctorPanel() {
  const { value, failure, again } = useLoaded((signal) => jsonOf<{ findings: Finding[] }>('/v1/doctor', { signal }), [])
  const order = ['fail', 'warn', 'ok']
  const findings = value?.findings.toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level))
  const side = html`<button type="button" class="button quiet" onClick=${again}>Look again</button>`
  return html`<${Panel} title="Doctor" side=${side}>
    ${failure && html`<${Failed} text=${failure.message} again=${again} />`}
    ${findings === undefined && failure === null && html`<${Loading} what="findings" />`}
    ${
      findings &&
      html`<ul class="findings">${findings.map(
        ({ level, check, text, remedy }) => html`<li key=${`${check} ${text}`}>
      <span class=${`mark ${level}`} role="img" aria-label=${level}>${findingMarks[level]}</span>
      <div><b>${check}</b><p>${text}</p>${remedy && html`<p class="remedy">Next: ${remedy}</p>`}</div></li>`,
      )}</ul>`
    }
  <//>`
}
