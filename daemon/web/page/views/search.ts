/** The search for keys that is also a command line: a box with the list of what its text may mean. */
import { html } from 'htm/preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { ListItem } from '../../../../protocols/api/kv.js'
import { call, failureSentence, jsonOf, segment } from '../io/api.js'
import { go } from '../io/surroundings.js'
import { type AskedLine, askedBy, commandsFor } from '../model/commands.js'
import { pageHash } from '../model/places.js'
import { typeNoun } from '../model/values.js'
import { notify } from './notice.js'
import { Icon } from './parts.js'

/** Keys that are suggested. */
const suggestionsMax = 8

interface Choice {
  readonly id: string
  readonly label: string
  readonly hint: string
  take(): void
}

/** The search box of the header; `/` puts the cursor into it. */
export function SearchBox() {
  const input = useRef<HTMLInputElement>(null)
  const [line, setLine] = useState('')
  const [isOpen, setOpen] = useState(false)
  const [at, setAt] = useState(0)
  const keys = useSuggestions(line, isOpen)
  useEffect(() => focusBySlash(input), [])
  const leave = () => {
    setOpen(false)
    setLine('')
    input.current?.blur()
  }
  const choices = isOpen ? choicesOf(line, keys, setLine) : []
  const chosen = Math.min(at, Math.max(0, choices.length - 1))
  const take = (choice: Choice | undefined) => {
    choice?.take()
    if (choice?.id.startsWith('command') !== true) leave()
  }
  const pressed = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setAt((chosen + 1) % Math.max(1, choices.length))
    else if (event.key === 'ArrowUp') setAt((chosen + choices.length - 1) % Math.max(1, choices.length))
    else if (event.key === 'Enter') take(choices[chosen])
    else if (event.key === 'Escape') leave()
    else return
    event.preventDefault()
  }
  return html`<div class="search" onFocusOut=${() => setOpen(false)}>
    <${Icon} name="search" />
    <input ref=${input} type="text" role="combobox" aria-label="Search keys, or type a command" aria-expanded=${choices.length > 0}
      aria-controls="search-list" aria-autocomplete="list" aria-activedescendant=${choices.length > 0 ? `search-${chosen}` : undefined}
      placeholder="Search or command" autocomplete="off" spellcheck=${false} value=${line}
      onFocus=${() => setOpen(true)} onKeyDown=${pressed}
      onInput=${(event: InputEvent) => {
        setLine((event.target as HTMLInputElement).value)
        setOpen(true)
        setAt(0)
      }} />
    <kbd aria-hidden="true">/</kbd>
    <ul id="search-list" class="search-list" role="listbox" aria-label="Suggestions" hidden=${choices.length === 0}>
      ${choices.map(
        (
          choice,
          index,
        ) => html`<li id=${`search-${index}`} key=${choice.id} role="option" aria-selected=${index === chosen}
        onMouseDown=${(event: Event) => event.preventDefault()} onClick=${() => take(choice)}>
        <code>${choice.label}</code><span class="dim">${choice.hint}</span>
      </li>`,
      )}
    </ul>
  </div>`
}

function focusBySlash(input: { current: HTMLInputElement | null }): () => void {
  const pressed = (event: KeyboardEvent) => {
    const { tagName = '' } = event.target as Element
    if (event.key !== '/' || event.ctrlKey || event.metaKey || /^(INPUT|TEXTAREA|SELECT)$/.test(tagName)) return
    event.preventDefault()
    input.current?.focus()
  }
  addEventListener('keydown', pressed)
  return () => removeEventListener('keydown', pressed)
}

function useSuggestions(line: string, isOpen: boolean): readonly ListItem[] {
  const [keys, setKeys] = useState<readonly ListItem[]>([])
  const asked = askedBy(line)
  const prefix = asked.kind === 'search' ? asked.prefix : ''
  useEffect(() => {
    const isAsked = prefix !== '' && isOpen
    // What is shown and still fits stays until the answer is here: the list does not go away under the cursor.
    setKeys((shown) => (isAsked ? shown.filter(({ key }) => key.startsWith(prefix)) : []))
    if (!isAsked) return
    const gone = new AbortController()
    const path = `/v1/kv?prefix=${encodeURIComponent(prefix)}&limit=${suggestionsMax}`
    jsonOf<{ items: ListItem[] }>(path, { signal: gone.signal }).then(
      ({ items }) => gone.signal.aborted || setKeys(items),
      () => {},
    )
    return () => gone.abort()
  }, [prefix, isOpen])
  return keys
}

function choicesOf(line: string, keys: readonly ListItem[], setLine: (line: string) => void): Choice[] {
  const asked = askedBy(line)
  if (asked.kind !== 'search') return [{ id: 'run', ...wordsOf(asked), take: () => void perform(asked) }]
  const found = keys.map(({ key, types }) => ({
    id: `key ${key}`,
    label: key,
    hint: types.map(typeNoun).join(', '),
    take: () => go(pageHash('keys', key, '')),
  }))
  const commands = commandsFor(line).map(({ name, usage, does }) => ({
    id: name === usage ? `whole ${name}` : `command ${name}`,
    label: usage,
    hint: does,
    take: () => (name === usage ? void perform(askedBy(name)) : setLine(`${name} `)),
  }))
  const browse = {
    id: 'browse',
    label: line,
    hint: 'show all keys that begin so',
    take: () => go(pageHash('keys', null, line)),
  }
  return [...found, ...commands, ...(line.trim() === '' ? [] : [browse])]
}

function wordsOf(asked: AskedLine): { label: string; hint: string } {
  if (asked.kind === 'put') return { label: `put ${asked.key}`, hint: `store “${asked.value}”` }
  if (asked.kind === 'get') return { label: `get ${asked.key}`, hint: 'open it' }
  if (asked.kind === 'go') return { label: `go ${asked.place}`, hint: 'open it' }
  return { label: asked.kind === 'usage' ? asked.text : asked.kind, hint: 'Enter' }
}

async function perform(asked: AskedLine): Promise<void> {
  try {
    if (asked.kind === 'get') go(pageHash('keys', asked.key))
    if (asked.kind === 'go') go(pageHash(asked.place))
    if (asked.kind === 'invite') go(pageHash('members', 'invite'))
    if (asked.kind === 'put') await put(asked.key, asked.value)
    if (asked.kind === 'sync') await sync()
  } catch (error) {
    notify({ text: failureSentence(error), tone: 'bad' })
  }
}

async function put(key: string, value: string): Promise<void> {
  await call(`/v1/kv/${segment(key)}`, { method: 'PUT', text: value })
  notify({ text: `Stored ${key}.`, tone: 'good' })
  go(pageHash('keys', key))
}

async function sync(): Promise<void> {
  const { sessions } = await jsonOf<{ sessions: unknown[] }>('/v1/sync', { method: 'POST', json: {} })
  notify({ text: `Compared with ${sessions.length === 1 ? '1 member' : `${sessions.length} members`}.`, tone: 'good' })
}
