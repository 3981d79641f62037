/** Prefixes of keys as a tree that is read level by level, as it is opened. */
import { html } from 'htm/preact'
import { useEffect, useState } from 'preact/hooks'
import { failureSentence, jsonOf } from '../io/api.js'
import { countText } from '../model/format.js'
import { pageHash } from '../model/places.js'
import {
  type KeyPage,
  type PrefixGroup,
  type PrefixLevel,
  scanLimit,
  stepsTo,
  unreadLevel,
  withPage,
} from '../model/prefixes.js'
import { Failed } from './parts.js'

/** The tree, opened down to a prefix. */
export function KeyTree({ prefix, entries }: { prefix: string; entries: number }) {
  return html`<div class="tree">
    <a class="tree-row" href=${pageHash('keys')} aria-current=${prefix === '' ? 'true' : undefined}><span>all</span><span class="dim">${countText(entries)}</span></a>
    <${Level} prefix="" shown=${prefix} entries=${entries} />
  </div>`
}

function Level({ prefix, shown, entries }: { prefix: string; shown: string; entries: number }) {
  const { level, failure } = useLevel(prefix, entries)
  const groups = level.groups.filter(({ isKey }) => !isKey)
  if (failure !== null) return html`<${Failed} text=${failure} />`
  if (level.after !== null && groups.length === 0) return html`<p class="dim small tree-note">Reading…</p>`
  return html`<ul>
    ${groups.map((group) => html`<${Branch} key=${group.path} group=${group} shown=${shown} entries=${entries} />`)}
    ${level.isCut && html`<li class="dim small tree-note">and more; search for them</li>`}
  </ul>`
}

function Branch({ group, shown, entries }: { group: PrefixGroup; shown: string; entries: number }) {
  const { path, label, count, isMore } = group
  const isOnTheWay = stepsTo(shown).includes(path)
  const [isOpen, setOpen] = useState(isOnTheWay)
  return html`<li>
    <div class="tree-row">
      <button type="button" class="twist" aria-expanded=${isOpen} aria-label=${`open ${path}`} onClick=${() => setOpen(!isOpen)}>${isOpen ? '▾' : '▸'}</button>
      <a href=${pageHash('keys', null, path)} aria-current=${path === shown ? 'true' : undefined}><code>${label}</code></a>
      <span class="dim">${countText(count)}${isMore ? '+' : ''}</span>
    </div>
    ${isOpen && html`<${Level} prefix=${path} shown=${shown} entries=${entries} />`}
  </li>`
}

/** Reads one level, and again when the number of entries changes. */
function useLevel(prefix: string, entries: number): { level: PrefixLevel; failure: string | null } {
  const [level, setLevel] = useState(unreadLevel(prefix))
  const [failure, setFailure] = useState<string | null>(null)
  useEffect(() => {
    const gone = new AbortController()
    const read = async () => {
      let next = unreadLevel(prefix)
      while (next.after !== null && !gone.signal.aborted) {
        const after = next.after === '' ? '' : `&after=${encodeURIComponent(next.after)}`
        next = withPage(
          next,
          await jsonOf<KeyPage>(`/v1/kv?prefix=${encodeURIComponent(prefix)}&limit=${scanLimit}${after}`, {
            signal: gone.signal,
          }),
        )
      }
      if (!gone.signal.aborted) setLevel(next)
    }
    read().catch((error) => gone.signal.aborted || setFailure(failureSentence(error)))
    return () => gone.abort()
  }, [prefix, entries])
  return { level, failure }
}
