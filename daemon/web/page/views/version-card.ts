/** One version of a conflict: who wrote it and when, its text with what the others lack marked, and a choice. */
import { html } from 'htm/preact'
import type { Version } from '../../../../protocols/api/parts.js'
import { differencePieces } from '../model/difference.js'
import { bytesText } from '../model/format.js'
import { hexText, indented } from '../model/values.js'
import { Ago } from './parts.js'

/** Properties of a version. */
export interface VersionCardProps {
  readonly version: Version & { readonly size: number }
  readonly others: readonly Version[]
  readonly isShown: boolean
  readonly isChosen: boolean
  readonly onChoose: () => void
}

/** A version as a card. */
export function VersionCard({ version, others, isShown, isChosen, onChoose }: VersionCardProps) {
  const { node, time, size, encoding, value } = version
  return html`<article class=${isChosen ? 'version chosen' : 'version'} aria-label=${`version of ${node}`}>
    <header><b>${node}</b><span class="dim small"><${Ago} time=${time} /> · ${bytesText(size)}</span>${isShown && html`<span class="tag" title="what a plain get shows">shown first</span>`}</header>
    <pre class="version-text">${encoding === 'utf8' ? marked(value, others) : hexText(value)}</pre>
    <button type="button" class="button" aria-pressed=${isChosen} onClick=${onChoose}>Keep this</button>
  </article>`
}

/** The text with the words that the first other text lacks marked. */
function marked(value: string, others: readonly Version[]) {
  const other = others.find(({ encoding }) => encoding === 'utf8')
  if (other === undefined) return value
  const pieces = differencePieces(indented(value), indented(other.value))
  return pieces.map(({ text, isCommon }, at) => (isCommon ? text : html`<mark key=${at}>${text}</mark>`))
}
