/** A form for a new key: its name, its type, and the first thing in it. */
import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import { useAction } from '../io/loading.js'
import { go } from '../io/surroundings.js'
import { createKey, type NewType } from '../io/writes.js'
import { pageHash } from '../model/places.js'
import { notify } from './notice.js'
import { Failed, Panel } from './parts.js'

const fields: Readonly<Record<NewType, { label: string; start: string; hint: string }>> = {
  reg: { label: 'Value', start: '', hint: 'Any text. It is refused if the key has a value already.' },
  ctr: { label: 'Start at', start: '1', hint: 'Increments from all nodes add up, also those made during a cut.' },
  set: { label: 'First member', start: '', hint: 'An addition survives a removal that had not seen it.' },
  map: { label: 'First field and value, as field=value', start: '', hint: 'Each field keeps versions of its own.' },
  doc: { label: 'JSON', start: '{}', hint: 'Edits of different parts merge.' },
}
const names: Readonly<Record<NewType, string>> = {
  reg: 'Value',
  ctr: 'Counter',
  set: 'Set',
  map: 'Map',
  doc: 'Document',
}

/** The form. */
export function NewKey() {
  const [key, setKey] = useState('')
  const [type, setType] = useState<NewType>('reg')
  const [text, setText] = useState('')
  const action = useAction()
  const choose = (next: NewType) => {
    setType(next)
    setText(fields[next].start)
  }
  const submit = (event: Event) => {
    event.preventDefault()
    action.run(async () => {
      await createKey(key, type, text)
      notify({ text: `Made ${key}.`, tone: 'good' })
      go(pageHash('keys', key))
    })
  }
  const typed = (set: (text: string) => void) => (event: InputEvent) => set((event.target as HTMLInputElement).value)
  return html`<${Panel} title="New key">
    <form class="form" onSubmit=${submit}>
      <label for="new-key">Key</label><input id="new-key" class="mono" required autocomplete="off" spellcheck=${false} placeholder="cart/7" value=${key} onInput=${typed(setKey)} />
      <fieldset class="segments"><legend>Type</legend>
        ${Object.entries(names).map(([tag, name]) => html`<label key=${tag}><input type="radio" name="type" checked=${tag === type} onChange=${() => choose(tag as NewType)} /><span>${name}</span></label>`)}
      </fieldset>
      <label for="new-text">${fields[type].label}</label>
      ${type === 'reg' || type === 'doc' ? html`<textarea id="new-text" class="mono" rows="5" value=${text} onInput=${typed(setText)}></textarea>` : html`<input id="new-text" class="mono" value=${text} required autocomplete="off" onInput=${typed(setText)} />`}
      <p class="dim small">${fields[type].hint}</p>
      ${action.failure && html`<${Failed} text=${action.failure} />`}
      <p class="actions"><button class="button primary" disabled=${action.isRunning}>Make it</button></p>
    </form>
  <//>`
}
