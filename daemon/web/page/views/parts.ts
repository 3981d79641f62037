/** Small parts that all places use: times, ids, states, notes, empty and failed states. */

import { html } from 'htm/preact'
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { useNow } from '../io/store.js'
import { copied } from '../io/surroundings.js'
import { agoText, exactText, shortId } from '../model/format.js'
import type { Tone } from '../model/member-words.js'

/** Properties of a view that only holds others. */
export interface Holding {
  readonly children?: ComponentChildren
}

/** A time as how long ago it was, the exact one in the title. */
export function Ago({ time }: { time: string | null }) {
  const nowMs = useNow()
  if (time === null) return html`<span class="dim">never</span>`
  return html`<time datetime=${time} title=${exactText(time)}>${agoText(time, nowMs)}</time>`
}

/** An id, shortened, with a button that copies it whole. */
export function Id({ id, what }: { id: string; what: string }) {
  return html`<span class="id"><code title=${id}>${shortId(id)}</code><${CopyButton} text=${id} what=${what} /></span>`
}

/** A button that copies a text. */
export function CopyButton({ text, what, label = '' }: { text: string; what: string; label?: string }) {
  const [state, setState] = useState<'' | 'copied' | 'not allowed here'>('')
  const copy = async () => setState((await copied(text)) ? 'copied' : 'not allowed here')
  return html`<button type="button" class=${label === '' ? 'copy' : 'button'} title=${`copy ${what}`} aria-label=${`copy ${what}`} onClick=${copy} onBlur=${() => setState('')}>
    <${Icon} name="copy" />${label}${state === '' ? '' : html`<span role="status" class="copied">${state}</span>`}
  </button>`
}

/** A state in a word, with a mark of its own shape beside its colour. */
export function Pill({ tone, children }: { tone: Tone } & Holding) {
  return html`<span class=${`pill ${tone}`}>${children}</span>`
}

/** Text of a place that has nothing in it. */
export function Empty({ title, children }: { title: string } & Holding) {
  return html`<div class="empty"><p class="empty-title">${title}</p>${children}</div>`
}

/** Text of a place that waits. */
export function Loading({ what }: { what: string }) {
  return html`<p class="loading" role="status">Loading ${what}…</p>`
}

/** Failure in words, with a way to try again. */
export function Failed({ text, again }: { text: string; again?: () => void }) {
  return html`<div class="note bad" role="alert"><p>${text}</p>
    ${again && html`<button type="button" class="button" onClick=${again}>Try again</button>`}</div>`
}

/** A panel with its title and what stands beside it. */
export function Panel({
  title,
  side,
  children,
  flush = false,
}: { title: string; side?: ComponentChildren; flush?: boolean } & Holding) {
  return html`<section class=${flush ? 'panel flush' : 'panel'} aria-label=${title}>
    <header class="panel-head"><h2>${title}</h2>${side && html`<div class="panel-side">${side}</div>`}</header>
    ${children}
  </section>`
}

const icons = {
  mesh: 'M4 5.5a2 2 0 1 1 0-.01M14 5.5a2 2 0 1 1 0-.01M9 14.5a2 2 0 1 1 0-.01M6 6l2.5 7M6.5 5.5h5M12 7l-2.5 6',
  keys: 'M6.5 11.5a3 3 0 1 1 0-.01M8.6 9.4 15 3M12 6l2.5 2.5',
  conflicts: 'M4 3v4a3 3 0 0 0 3 3h0a3 3 0 0 1 3 3v2M14 3v4a3 3 0 0 1-3 3',
  members:
    'M6.5 7a2.5 2.5 0 1 1 0-.01M2 15c0-3 1.5-4.5 4-4.5S10 12 10 15M12 8.5a2 2 0 1 0-1-3.7M12.5 10.5c2.3 0 3.5 1.6 3.5 4',
  activity: 'M2 10h3l2-6 4 11 2-5h3',
  copy: 'M6.5 6.5v-3h8v8h-3M3.5 6.5h8v8h-8z',
  search: 'M8 13A5 5 0 1 1 8 3a5 5 0 0 1 0 10m3.7-1.3L15.5 15.5',
  close: 'M4 4l10 10M14 4 4 14',
  back: 'M11 3 5 9l6 6',
  play: 'M5 3v12l10-6z',
  pause: 'M6 3v12M12 3v12',
  plus: 'M9 3v12M3 9h12',
} as const

/** A drawn sign; it says nothing to those who do not see it, so a word or a label stands beside it. */
export function Icon({ name }: { name: keyof typeof icons }) {
  return html`<svg class="icon" viewBox="0 0 18 18" width="18" height="18" aria-hidden="true"><path d=${icons[name]} /></svg>`
}
