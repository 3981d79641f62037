/** The selected key: one editor for each type under it, who holds it, and its deletion. */
import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import { useLive } from '../io/live.js'
import { useAction, useLoaded } from '../io/loading.js'
import { go } from '../io/surroundings.js'
import { keyTypes, removeKey, whereIs } from '../io/writes.js'
import type { Status } from '../model/events.js'
import { namesText } from '../model/format.js'
import { pageHash } from '../model/places.js'
import { typeNoun } from '../model/values.js'
import { CounterEditor } from './counter-editor.js'
import { Dialog } from './dialog.js'
import { DocumentEditor } from './document-editor.js'
import { MapEditor } from './map-editor.js'
import { notify } from './notice.js'
import { CopyButton, Empty, Failed, Loading, Panel } from './parts.js'
import { SetEditor } from './set-editor.js'
import { ValueEditor } from './value-editor.js'

/** Properties of every editor. `seen`: changes when the key does, so that the editor reads it again. */
export interface EditorProps {
  readonly name: string
  readonly seen: string
}

const editors: Readonly<Record<string, (props: EditorProps) => unknown>> = {
  reg: ValueEditor,
  ctr: CounterEditor,
  set: SetEditor,
  map: MapEditor,
  doc: DocumentEditor,
}

/** Properties of the panel of a key. */
export interface KeyEditorProps {
  readonly name: string
  readonly status: Status
  readonly prefix: string
}

/** The panel of a key. */
export function KeyEditor({ name, status, prefix }: KeyEditorProps) {
  const { changes } = useLive()
  const last = changes.find((change) => 'key' in change && change.key === name)
  const seen = `${last !== undefined && 'dot' in last ? last.dot : ''} ${status.conflicts}`
  const { value: types, failure, again } = useLoaded((signal) => keyTypes(name, signal), [name, seen])
  const side = html`<${CopyButton} text=${name} what="the key" />`
  return html`<${Panel} title=${name} side=${side}>
    ${failure && html`<${Failed} text=${failure.message} again=${again} />`}
    ${types === null && failure === null && html`<${Loading} what="the key" />`}
    ${types?.length === 0 && html`<${Empty} title="There is no such key"><p>It was deleted, or never written here.</p><//>`}
    ${(types?.length ?? 0) > 1 && html`<p class="note">Two types were made under this key on both sides of a cut. Both are kept.</p>`}
    ${types?.map((type) => html`<${TypeSection} key=${type} name=${name} type=${type} seen=${seen} prefix=${prefix} isOnly=${types.length === 1} />`)}
    ${types !== null && types.length > 0 && html`<${WhereLine} name=${name} seen=${seen} />`}
  <//>`
}

function TypeSection({
  name,
  type,
  seen,
  prefix,
  isOnly,
}: EditorProps & { type: string; prefix: string; isOnly: boolean }) {
  const Editor = editors[type]
  const [isAsking, setAsking] = useState(false)
  return html`<section class="type-section" aria-label=${typeNoun(type)}>
    <header class="type-head"><span class="tag">${typeNoun(type)}</span>
      <button type="button" class="button quiet" onClick=${() => setAsking(true)}>Delete…</button></header>
    ${Editor === undefined ? html`<p>This type is of a later version. It is kept and passed on as it is.</p>` : html`<${Editor} name=${name} seen=${seen} />`}
    ${isAsking && html`<${DeleteDialog} name=${name} type=${type} onClose=${() => setAsking(false)} onDone=${() => isOnly && go(pageHash('keys', null, prefix))} />`}
  </section>`
}

const deletes: Readonly<Record<string, string>> = {
  reg: 'Every version that this node has is deleted. A version that was written elsewhere and has not come here yet survives.',
  ctr: 'The counter is deleted as far as it is seen here. Increments that have not come here yet survive.',
  set: 'The members seen here are removed. Additions that have not come here yet survive.',
  map: 'The fields seen here are removed, with all their versions. Fields written elsewhere that have not come here yet survive.',
  doc: 'The document is deleted as it is seen here. Edits that have not come here yet survive.',
}

function DeleteDialog({
  name,
  type,
  onClose,
  onDone,
}: {
  name: string
  type: string
  onClose: () => void
  onDone: () => void
}) {
  const action = useAction()
  const remove = () =>
    action.run(async () => {
      await removeKey(name, type)
      notify({ text: `Deleted ${name}.`, tone: 'good' })
      onClose()
      onDone()
    })
  return html`<${Dialog} title=${`Delete ${name}?`} onClose=${onClose}>
    <p>${deletes[type] ?? deletes.reg}</p>
    ${action.failure && html`<${Failed} text=${action.failure} />`}
    <p class="actions"><button type="button" class="button danger" disabled=${action.isRunning} onClick=${remove}>Delete</button>
      <button type="button" class="button" onClick=${onClose}>Keep it</button></p>
  <//>`
}

/** Names of those who hold the key durably, asked when the reader wants to know. */
function WhereLine({ name, seen }: EditorProps) {
  const [said, setSaid] = useState<{ seen: string; text: string } | null>(null)
  const action = useAction()
  const ask = () =>
    action.run(async () => {
      const { nodes, missing, unknown } = await whereIs(name)
      const rest = [
        missing.length > 0 ? `${namesText(missing)} not yet` : '',
        unknown.length > 0 ? `no answer from ${namesText(unknown)}` : '',
      ]
      setSaid({ seen, text: [`Durable on ${namesText(nodes, 8)}`, ...rest.filter((text) => text !== '')].join('; ') })
    })
  return html`<p class="where" role="status">
    ${said?.seen === seen ? html`<span>${said.text}.</span>` : html`<button type="button" class="button quiet" disabled=${action.isRunning} onClick=${ask}>Who holds it?</button>`}
    ${action.failure && html`<span class="bad-text">${action.failure}</span>`}</p>`
}
