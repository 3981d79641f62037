/** Editor of a document: its JSON, and the places inside that hold concurrent values. */
import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import type { DocumentShown } from '../../../../protocols/api/documents.js'
import { useAction, useLoaded } from '../io/loading.js'
import { documentOf, putDocument, settlePlace } from '../io/writes.js'
import { counted } from '../model/format.js'
import { jsonFault } from '../model/values.js'
import type { EditorProps } from './key-editor.js'
import { notify } from './notice.js'
import { Failed, Loading } from './parts.js'

/** The editor. */
export function DocumentEditor({ name, seen }: EditorProps) {
  const { value, failure, again } = useLoaded((signal) => documentOf(name, signal), [name, seen])
  if (failure !== null) return html`<${Failed} text=${failure.message} again=${again} />`
  if (value === null) return html`<${Loading} what="the document" />`
  return html`<${Places} name=${name} shown=${value} again=${again} /><${Json} name=${name} shown=${value} again=${again} />`
}

interface ShownProps {
  readonly name: string
  readonly shown: DocumentShown
  again(): void
}

/** The conflicting places, each with its values to choose from. */
function Places({ name, shown, again }: ShownProps) {
  const action = useAction()
  if (shown.conflicts.length === 0) return null
  const choose = (path: string, value: unknown) =>
    action.run(async () => {
      await settlePlace(name, path, value)
      notify({ text: `Settled ${path}.`, tone: 'good' })
      again()
    })
  return html`<div class="note">
    <p>${counted(shown.conflicts.length, 'place')} inside ${shown.conflicts.length === 1 ? 'holds' : 'hold'} concurrent values. The first one is shown below.</p>
    <ul class="plain-list">${shown.conflicts.map(
      ({ path, values }) => html`<li key=${path} class="place">
      <code class="marked">${path}</code>
      ${values.map((value, at) => html`<button type="button" key=${at} class="button" disabled=${action.isRunning} onClick=${() => choose(path, value)}>keep <code>${JSON.stringify(value)}</code></button>`)}</li>`,
    )}</ul>
    ${action.failure && html`<${Failed} text=${action.failure} />`}
  </div>`
}

/** The JSON of the document; saving writes what differs from what was read. */
function Json({ name, shown, again }: ShownProps) {
  const [base, setBase] = useState(shown)
  const [draft, setDraft] = useState<string | null>(null)
  const action = useAction()
  const present = draft === null ? shown : base
  const text = draft ?? JSON.stringify(shown.document, null, 2)
  const fault = draft === null ? null : jsonFault(draft)
  const typed = (event: InputEvent) => {
    if (draft === null) setBase(shown)
    setDraft((event.target as HTMLTextAreaElement).value)
  }
  const save = () =>
    action.run(async () => {
      await putDocument(name, text, present.context)
      notify({
        text: `Saved. It superseded ${counted(Math.max(1, present.siblings), 'version')} of ${name}; edits made elsewhere meanwhile merge with it.`,
        tone: 'good',
      })
      setDraft(null)
      again()
    })
  return html`<label class="hidden" for="document-json">JSON of the document</label>
    <textarea id="document-json" class="mono value" rows=${Math.min(24, text.split('\n').length + 1)} spellcheck=${false} value=${text} aria-invalid=${fault !== null} onInput=${typed}></textarea>
    ${fault !== null && html`<p class="bad-text small">${fault}</p>`}
    ${present.unreadable > 0 && html`<p class="note">${counted(present.unreadable, 'version')} cannot be read here; kept as they are.</p>`}
    ${action.failure && html`<${Failed} text=${action.failure} />`}
    <p class="actions"><button type="button" class="button primary" disabled=${draft === null || fault !== null || action.isRunning} onClick=${save}>Save</button>
      <button type="button" class="button" disabled=${draft === null} onClick=${() => setDraft(null)}>Discard</button></p>`
}
