/** A dialog of the browser's own: it holds the focus, and Escape closes it. */
import { html } from 'htm/preact'
import { useEffect, useRef } from 'preact/hooks'
import { type Holding, Icon } from './parts.js'

/** A dialog that is open as long as it is there. */
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void } & Holding) {
  const element = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const { current } = element
    current?.showModal()
    return () => current?.close()
  }, [])
  return html`<dialog ref=${element} class="dialog" aria-label=${title} onClose=${onClose}>
    <header class="panel-head">
      <h2>${title}</h2>
      <button type="button" class="plain" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button>
    </header>
    ${children}
  </dialog>`
}
