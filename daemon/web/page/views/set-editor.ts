/** Editor of a set: its members as chips. */
import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import { useAction, useLoaded } from '../io/loading.js'
import { addMember, membersOf, removeMember } from '../io/writes.js'
import { counted } from '../model/format.js'
import { summaryText } from '../model/values.js'
import type { EditorProps } from './key-editor.js'
import { Failed, Icon, Loading } from './parts.js'
import { useShownCount } from './shown-count.js'

/** The editor. */
export function SetEditor({ name, seen }: EditorProps) {
  const { value, failure, again } = useLoaded((signal) => membersOf(name, signal), [name, seen])
  const [text, setText] = useState('')
  const action = useAction()
  const { count, more } = useShownCount(value?.members.length ?? 0)
  if (failure !== null) return html`<${Failed} text=${failure.message} again=${again} />`
  if (value === null) return html`<${Loading} what="the set" />`
  const change = (act: () => Promise<unknown>) =>
    action.run(async () => {
      await act()
      again()
    })
  const add = (event: Event) => {
    event.preventDefault()
    change(async () => {
      await addMember(name, text)
      setText('')
    })
  }
  return html`<p class="dim small">${counted(value.members.length, 'member')}</p>
    <ul class="chips">${value.members
      .slice(0, count)
      .map((member) =>
        typeof member === 'string'
          ? html`<li key=${member} class="chip"><span>${member}</span><button type="button" aria-label=${`remove ${member}`} disabled=${action.isRunning} onClick=${() => change(() => removeMember(name, member))}><${Icon} name="close" /></button></li>`
          : html`<li key=${member.value} class="chip"><span>${summaryText(member)}</span></li>`,
      )}</ul>${more}
    <form class="line" onSubmit=${add}>
      <label class="hidden" for="set-member">New member</label>
      <input id="set-member" placeholder="new member" value=${text} onInput=${(event: InputEvent) => setText((event.target as HTMLInputElement).value)} />
      <button class="button" disabled=${text === '' || action.isRunning}>Add</button>
    </form>
    ${action.failure && html`<${Failed} text=${action.failure} />`}`
}
