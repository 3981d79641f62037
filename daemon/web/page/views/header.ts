/** The header: the name of the node, the mesh in a sentence, the search. */
import { html } from 'htm/preact'
import { useNow } from '../io/store.js'
import { type Headline, headlineOf } from '../model/headline.js'
import type { LiveState } from '../model/state.js'
import { SearchBox } from './search.js'

const marks: Readonly<Record<Headline['level'], string>> = { ok: '✓', note: '•', warn: '!', fail: '×' }
const meanings: Readonly<Record<Headline['level'], string>> = {
  ok: 'all is well',
  note: 'for your information',
  warn: 'needs a look',
  fail: 'failed',
}

/** The header of the page. */
export function PageHeader({ live }: { live: LiveState }) {
  const nowMs = useNow()
  const { status, link, heardMs, why } = live
  const { level, text } = headlineOf({ status, link, heardMs, why, nowMs })
  return html`<header class="head">
    <a class="brand" href="#/mesh" title="to the mesh"><${Mark} /><span>${status?.node ?? 'hearsay'}</span></a>
    <h1 class="headline"><span class=${`mark ${level}`} role="img" aria-label=${meanings[level]}>${marks[level]}</span><span>${text}</span></h1>
    <${SearchBox} />
  </header>`
}

/** The sign of the project: three that hear each other. */
export function Mark() {
  return html`<svg class="brand-mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
    <path d="M6 6 18 9 9 18.5Z" /><circle cx="6" cy="6" r="4" /><circle cx="18" cy="9" r="4" /><circle cx="9" cy="18.5" r="4" />
  </svg>`
}
