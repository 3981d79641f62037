/** Editor of a counter: buttons, because increments add up and a set value would not. */
import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import { useAction, useLoaded } from '../io/loading.js'
import { addToCounter, counterOf, wholeNumber } from '../io/writes.js'
import { countText } from '../model/format.js'
import type { EditorProps } from './key-editor.js'
import { Failed, Loading } from './parts.js'

const steps = [-10, -1, 1, 10] as const

/** The editor. */
export function CounterEditor({ name, seen }: EditorProps) {
  const { value, failure, again } = useLoaded((signal) => counterOf(name, signal), [name, seen])
  const [by, setBy] = useState('')
  const action = useAction()
  if (failure !== null) return html`<${Failed} text=${failure.message} again=${again} />`
  if (value === null) return html`<${Loading} what="the counter" />`
  const add = (number: number) =>
    action.run(async () => {
      await addToCounter(name, number)
      again()
    })
  const submit = (event: Event) => {
    event.preventDefault()
    action.run(async () => {
      await addToCounter(name, wholeNumber(by))
      setBy('')
      again()
    })
  }
  const shown = typeof value.value === 'number' ? countText(value.value) : value.value
  return html`<p class="big" role="status">${shown}</p>
    <div class="line">${steps.map((step) => html`<button type="button" key=${step} class="button" disabled=${action.isRunning} onClick=${() => add(step)}>${step > 0 ? '+' : '−'}${Math.abs(step)}</button>`)}</div>
    <form class="line" onSubmit=${submit}>
      <label class="hidden" for="counter-by">Add</label>
      <input id="counter-by" inputmode="numeric" placeholder="another number" value=${by} onInput=${(event: InputEvent) => setBy((event.target as HTMLInputElement).value)} />
      <button class="button" disabled=${by.trim() === '' || action.isRunning}>Add</button>
    </form>
    ${action.failure && html`<${Failed} text=${action.failure} />`}
    <p class="dim small">Every increment counts, on whichever side of a cut it is made.</p>`
}
