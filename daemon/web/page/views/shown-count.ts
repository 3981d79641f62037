/** Long lists: so many rows at first, and a button for more. */

import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import { countText } from '../model/format.js'

/** Rows that are added at a time. */
const rowsStep = 100

/** The number of rows to show, and the button that shows more; null when all are shown. */
export function useShownCount(total: number): { count: number; more: VNode | null } {
  const [count, setCount] = useState(rowsStep)
  if (total <= count) return { count: total, more: null }
  const show = () => setCount(count + rowsStep)
  const more = html`<p class="actions"><button type="button" class="button" onClick=${show}>Show more (${countText(total - count)} left)</button></p>`
  return { count, more }
}
