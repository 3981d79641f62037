/** Keys with a prefix as a list of any length: only the rows in view are made, and pages come as they are needed. */
import { html } from 'htm/preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { ListItem } from '../../../../protocols/api/kv.js'
import { failureSentence, jsonOf } from '../io/api.js'
import { useLive } from '../io/live.js'
import { useSize } from '../io/surroundings.js'
import { countText } from '../model/format.js'
import { pageHash } from '../model/places.js'
import { typeNoun } from '../model/values.js'
import { rowWindow } from '../model/window.js'
import { Empty, Failed, Loading } from './parts.js'

/** Height of a row, as the style has it. */
const rowHeight = 40
/** Keys that are asked for at a time. */
const pageLimit = 500
/** Keys that are held. */
const keysMax = 100_000

/** The list of keys. */
export function KeyList({ prefix, selected }: { prefix: string; selected: string | null }) {
  const [element, { height }] = useSize()
  const [top, setTop] = useState(0)
  const { items, isWhole, failure, more, again } = usePages(prefix)
  const { first, end, above, below } = rowWindow(items.length, rowHeight, top, height)
  useEffect(() => {
    if (!isWhole && items.length > 0 && end >= items.length - 1) more()
  }, [end, items.length, isWhole])
  if (failure !== null) return html`<${Failed} text=${failure} again=${again} />`
  if (items.length === 0 && !isWhole) return html`<${Loading} what="keys" />`
  if (items.length === 0) return html`<${Empty} title="No keys here"><p>Nothing begins with this prefix.</p><//>`
  return html`<div class="key-list" ref=${element} onScroll=${(event: Event) => setTop((event.target as HTMLElement).scrollTop)} tabindex="0" role="region" aria-label="Keys">
      <ul>
        <li style=${{ height: `${above}px` }} aria-hidden="true"></li>
        ${items.slice(first, end).map((item) => html`<${KeyRow} key=${item.key} item=${item} prefix=${prefix} isSelected=${item.key === selected} />`)}
        <li style=${{ height: `${below}px` }} aria-hidden="true"></li>
      </ul>
    </div>
    <p class="list-foot dim small">${isWhole ? countText(items.length) : `${countText(items.length)} and more`} ${items.length === 1 ? 'key' : 'keys'}${items.length >= keysMax ? '; choose a prefix to see others' : ''}</p>`
}

function KeyRow({ item, prefix, isSelected }: { item: ListItem; prefix: string; isSelected: boolean }) {
  const { key, types, siblings } = item
  return html`<li><a class="key-row" href=${pageHash('keys', key, prefix)} aria-current=${isSelected ? 'true' : undefined}>
    <code title=${key}>${key.slice(prefix.length) || key}</code>
    ${siblings > 1 && html`<span class="pill bad">${siblings} versions</span>`}
    <span class="dim small">${types.map(typeNoun).join(', ')}</span></a></li>`
}

interface Pages {
  readonly items: readonly ListItem[]
  readonly isWhole: boolean
  readonly failure: string | null
  more(): void
  again(): void
}

/** Pages of keys; the first ones are read again when the number of entries or conflicts changes. */
function usePages(prefix: string): Pages {
  const { status } = useLive()
  const [state, setState] = useState({
    items: [] as readonly ListItem[],
    next: '' as string | null,
    failure: null as string | null,
  })
  const busy = useRef(false)
  const read = (after: string, before: readonly ListItem[], limit: number) => {
    if (busy.current) return
    busy.current = true
    const from = after === '' ? '' : `&after=${encodeURIComponent(after)}`
    jsonOf<{ items: ListItem[]; next: string | null }>(
      `/v1/kv?prefix=${encodeURIComponent(prefix)}&limit=${limit}${from}`,
    )
      .then(({ items, next }) => {
        const all = [...before, ...items]
        setState({ items: all, next: all.length >= keysMax ? null : next, failure: null })
      })
      .catch((error) => setState({ items: before, next: null, failure: failureSentence(error) }))
      .finally(() => {
        busy.current = false
      })
  }
  const first = () => read('', [], Math.min(10_000, Math.max(pageLimit, state.items.length)))
  useEffect(first, [prefix, status?.entries, status?.conflicts])
  const more = () => state.next !== null && read(state.next, state.items, pageLimit)
  return { items: state.items, isWhole: state.next === null, failure: state.failure, more, again: first }
}
