/** Editor of a value: text or JSON; versions side by side when there are several. */
import { html } from 'htm/preact'
import { useEffect, useState } from 'preact/hooks'
import type { Versions } from '../../../../protocols/api/kv.js'
import { useAction, useLoaded } from '../io/loading.js'
import { putOverContext, versionsOf } from '../io/writes.js'
import { bytesText } from '../model/format.js'
import { hexText, indented, isJson, sizeOf, supersededText } from '../model/values.js'
import { ConflictBody } from './conflict-body.js'
import type { EditorProps } from './key-editor.js'
import { notify } from './notice.js'
import { Ago, Failed, Loading } from './parts.js'

/** Characters beyond which a text is not edited here. */
const editableCharactersMax = 256 * 1024

/** The editor. */
export function ValueEditor({ name, seen }: EditorProps) {
  return html`<${VersionsEditor} name=${name} field=${null} seen=${seen} />`
}

/** The editor of the versions of a value, or of a field of a map. */
export function VersionsEditor({ name, field, seen }: EditorProps & { field: string | null }) {
  const { value, failure, again } = useLoaded((signal) => versionsOf(name, field, signal), [name, field, seen])
  if (failure !== null) return html`<${Failed} text=${failure.message} again=${again} />`
  if (value === null) return html`<${Loading} what="the value" />`
  if (value.versions.length > 1) {
    const versions = value.versions.map((version) => ({ ...version, size: sizeOf(version) }))
    const conflict = {
      key: name,
      type: field === null ? 'reg' : 'map',
      field: field ?? '',
      context: value.context,
      versions,
    }
    return html`<${ConflictBody} conflict=${conflict} onSettled=${again} />`
  }
  return html`<${OneValue} name=${name} field=${field} shown=${value} again=${again} />`
}

interface OneValueProps {
  readonly name: string
  readonly field: string | null
  readonly shown: Versions
  again(): void
}

/** A single value. What is typed stays when the key changes meanwhile, and is saved against what was read. */
function OneValue({ name, field, shown, again }: OneValueProps) {
  const [base, setBase] = useState(shown)
  const [draft, setDraft] = useState<string | null>(null)
  const action = useAction()
  useEffect(() => {
    if (draft === null) setBase(shown)
  }, [shown, draft])
  const version = base.versions[0]!
  if (version.encoding === 'base64') return html`<${BinaryValue} shown=${base} />`
  if (version.value.length > editableCharactersMax)
    return html`<p>This text of ${bytesText(sizeOf(version))} is too long to be edited here.</p>`
  const text = draft ?? version.value
  const isOutdated = base.context !== shown.context
  const save = () =>
    action.run(async () => {
      await putOverContext(name, field, text, base.context)
      notify({ text: supersededText(base.versions, Date.now()), tone: 'good' })
      setDraft(null)
      again()
    })
  const id = `value-${field ?? ''}`
  return html`<${Written} shown=${base} />
    ${
      isOutdated &&
      html`<div class="note"><p>${shown.versions[0]!.node} has written this meanwhile. Saving now keeps both versions side by side.</p>
      <button type="button" class="button" onClick=${() => setDraft(null)}>Show the new one</button></div>`
    }
    <label class="hidden" for=${id}>Value</label>
    <textarea id=${id} class="mono value" rows=${Math.min(20, Math.max(4, text.split('\n').length + 1))} spellcheck=${false} value=${text}
      onInput=${(event: InputEvent) => setDraft((event.target as HTMLTextAreaElement).value)}></textarea>
    ${action.failure && html`<${Failed} text=${action.failure} />`}
    <p class="actions">
      <button type="button" class="button primary" disabled=${draft === null || draft === version.value || action.isRunning} onClick=${save}>Save</button>
      <button type="button" class="button" disabled=${draft === null} onClick=${() => setDraft(null)}>Discard</button>
      ${isJson(text) && html`<button type="button" class="button quiet" onClick=${() => setDraft(indented(text))}>Format the JSON</button>`}
    </p>`
}

function Written({ shown }: { shown: Versions }) {
  const version = shown.versions[0]!
  const { node, time, expires } = version
  return html`<p class="dim small">${bytesText(sizeOf(version))}, written by ${node} <${Ago} time=${time} />${expires === null ? '' : html`, expires ${new Date(expires).toLocaleString('en-GB')}`}</p>`
}

function BinaryValue({ shown }: { shown: Versions }) {
  return html`<${Written} shown=${shown} /><p>Binary data; its first bytes:</p><pre class="hex">${hexText(shown.versions[0]!.value)}</pre>`
}
