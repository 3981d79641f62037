/** Notices: what has been done, for a while, with the way back where there is one. */
import { html } from 'htm/preact'
import { useEffect } from 'preact/hooks'
import { announce } from '../io/live.js'
import { type Store, storeOf, useStore } from '../io/store.js'
import { Icon } from './parts.js'

/** Milliseconds that a notice stays; one with a way back stays until it is closed or the next one comes. */
const noticeMs = 8_000

/** A notice. */
export interface Notice {
  readonly text: string
  readonly tone: 'good' | 'bad'
  readonly undo?: () => void
}

const notices: Store<Notice | null, Notice | null> = storeOf<Notice | null, Notice | null>(null, (_, next) => next)

/** Shows a notice, and says it. */
export function notify(notice: Notice): void {
  notices.dispatch(notice)
  announce(notice.text)
}

/** The present notice. */
export function NoticeBar() {
  const notice = useStore(notices)
  useEffect(() => {
    if (notice === null || notice.undo !== undefined) return
    const timer = setTimeout(() => notices.dispatch(null), noticeMs)
    return () => clearTimeout(timer)
  }, [notice])
  if (notice === null) return null
  const { text, tone, undo } = notice
  const close = () => notices.dispatch(null)
  const back = () => {
    close()
    undo!()
  }
  return html`<div class=${`notice ${tone}`}>
    <p>${text}</p>
    ${undo && html`<button type="button" class="button" onClick=${back}>Undo</button>`}
    <button type="button" class="plain" aria-label="Close this notice" onClick=${close}><${Icon} name="close" /></button>
  </div>`
}
