/** Editor of a map: its fields as a table; an opened field has the editor of a value. */
import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import { call, segment } from '../io/api.js'
import { useAction, useLoaded } from '../io/loading.js'
import { fieldsOf, removeField } from '../io/writes.js'
import { summaryText } from '../model/values.js'
import type { EditorProps } from './key-editor.js'
import { Failed, Loading } from './parts.js'
import { useShownCount } from './shown-count.js'
import { VersionsEditor } from './value-editor.js'

/** The editor. */
export function MapEditor({ name, seen }: EditorProps) {
  const { value, failure, again } = useLoaded((signal) => fieldsOf(name, signal), [name, seen])
  const [open, setOpen] = useState<string | null>(null)
  const action = useAction()
  const fields = Object.entries(value?.fields ?? {})
  const { count, more } = useShownCount(fields.length)
  if (failure !== null) return html`<${Failed} text=${failure.message} again=${again} />`
  if (value === null) return html`<${Loading} what="the map" />`
  const remove = (field: string) =>
    action.run(async () => {
      await removeField(name, field)
      setOpen(null)
      again()
    })
  return html`<table class="table fields">
      <thead><tr><th scope="col">Field</th><th scope="col">Value</th></tr></thead>
      <tbody>${fields.slice(0, count).map(
        ([field, shown]) => html`<tr key=${field}>
        <th scope="row"><button type="button" class="link-button" aria-expanded=${field === open} onClick=${() => setOpen(field === open ? null : field)}>${field}</button></th>
        <td>${
          field === open
            ? html`<${VersionsEditor} name=${name} field=${field} seen=${seen} /><button type="button" class="button quiet" disabled=${action.isRunning} onClick=${() => remove(field)}>Remove the field</button>`
            : html`<span class="mono">${summaryText(shown)}</span>${shown.siblings > 1 && html` <span class="pill bad">${shown.siblings} versions</span>`}`
        }</td></tr>`,
      )}</tbody>
    </table>${more}
    <${NewField} name=${name} again=${again} />
    ${action.failure && html`<${Failed} text=${action.failure} />`}`
}

function NewField({ name, again }: { name: string; again: () => void }) {
  const [field, setField] = useState('')
  const [text, setText] = useState('')
  const action = useAction()
  const submit = (event: Event) => {
    event.preventDefault()
    action.run(async () => {
      await call(`/v1/maps/${segment(name)}/${segment(field)}?ifAbsent=true`, { method: 'PUT', text })
      setField('')
      setText('')
      again()
    })
  }
  const typed = (set: (text: string) => void) => (event: InputEvent) => set((event.target as HTMLInputElement).value)
  return html`<form class="line" onSubmit=${submit}>
      <label class="hidden" for="map-field">New field</label><input id="map-field" placeholder="new field" value=${field} onInput=${typed(setField)} />
      <label class="hidden" for="map-value">Its value</label><input id="map-value" placeholder="value" value=${text} onInput=${typed(setText)} />
      <button class="button" disabled=${field === '' || action.isRunning}>Add</button>
    </form>
    ${action.failure && html`<${Failed} text=${action.failure} />`}`
}
