/**
 * One conflict: its versions side by side with the differences marked, a choice, what will be left, and the way back.
 */
import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import type { Conflict, Resolved } from '../../../../protocols/api/conflicts.js'
import { ApiFailure, failureSentence } from '../io/api.js'
import { useAction } from '../io/loading.js'
import { useNow } from '../io/store.js'
import { settleConflict, unsettle } from '../io/writes.js'
import { type Choice, conflictName, conflictSentence, outcomeText } from '../model/mail.js'
import { notify } from './notice.js'
import { Failed } from './parts.js'
import { VersionCard } from './version-card.js'

/** Properties of a conflict. */
export interface ConflictBodyProps {
  readonly conflict: Conflict
  readonly onSettled: () => void
}

/** The conflict with all that can be done about it. */
export function ConflictBody({ conflict, onSettled }: ConflictBodyProps) {
  const nowMs = useNow()
  const [choice, setChoice] = useState<Choice | null>(null)
  const action = useAction()
  const { versions } = conflict
  const merge = () => setChoice({ kind: 'value', value: startOf(conflict) })
  const done = () => action.run(() => decide(conflict, choice!, onSettled))
  return html`<div class="conflict">
    <p class="lead">${conflictSentence(conflict, nowMs)}</p>
    <div class="versions">${versions.map(
      (
        version,
        at,
      ) => html`<${VersionCard} key=${version.dot} version=${version} others=${versions.filter((one) => one !== version)}
      isShown=${at === 0} isChosen=${choice?.kind === 'keep' && choice.at === at} onChoose=${() => setChoice({ kind: 'keep', at })} />`,
    )}</div>
    <p class="actions"><button type="button" class="button" aria-pressed=${choice?.kind === 'value'} onClick=${merge}>Edit a merge</button>
      <button type="button" class="button" aria-pressed=${choice?.kind === 'resolver'} onClick=${() => setChoice({ kind: 'resolver' })}>Use the resolver</button></p>
    ${
      choice !== null &&
      html`<${Preview} conflict=${conflict} choice=${choice} setChoice=${setChoice} />
      ${action.failure && html`<${Failed} text=${action.failure} />`}
      <p class="actions"><button type="button" class="button primary" disabled=${action.isRunning} onClick=${done}>Settle it so</button>
        <button type="button" class="button" onClick=${() => setChoice(null)}>Not yet</button></p>`
    }
  </div>`
}

interface PreviewProps {
  readonly conflict: Conflict
  readonly choice: Choice
  setChoice(choice: Choice): void
}

function Preview({ conflict, choice, setChoice }: PreviewProps) {
  const kept = choice.kind === 'keep' ? conflict.versions[choice.at] : undefined
  return html`<section class="preview" aria-label="What will be left">
    <h3>What will be left</h3>
    ${
      choice.kind === 'value' &&
      html`<textarea class="mono value" rows="6" aria-label="The merged text" spellcheck=${false} value=${choice.value}
      onInput=${(event: InputEvent) => setChoice({ kind: 'value', value: (event.target as HTMLTextAreaElement).value })}></textarea>`
    }
    ${kept !== undefined && html`<pre class="version-text">${kept.encoding === 'utf8' ? kept.value : `${kept.size} bytes of binary data`}</pre>`}
    <p>${outcomeText(conflict, choice)}</p>
  </section>`
}

/** The text with which a merge begins: all different texts, one after the other. */
function startOf({ versions }: Conflict): string {
  return versions
    .filter(({ encoding }) => encoding === 'utf8')
    .map(({ value }) => value)
    .join('\n')
}

async function decide(conflict: Conflict, choice: Choice, onSettled: () => void): Promise<void> {
  const how =
    choice.kind === 'keep'
      ? { pick: choice.at + 1 }
      : choice.kind === 'value'
        ? { value: choice.value }
        : { merge: true as const }
  const settled = await settleConflict(conflict, how).catch((error) => {
    if (error instanceof ApiFailure && error.code === 'STALE_CONTEXT') onSettled()
    throw error
  })
  notify({ text: `Settled ${conflictName(conflict)}.`, tone: 'good', ...wayBack(conflict, settled, onSettled) })
  onSettled()
}

function wayBack(conflict: Conflict, { undo }: Resolved, onSettled: () => void): { undo?: () => void } {
  if (undo === null || undo === undefined) return {}
  const back = async () => {
    try {
      await unsettle(conflict, undo)
      notify({
        text: `Taken back: ${conflictName(conflict)} has its ${conflict.versions.length} versions again.`,
        tone: 'good',
      })
    } catch (error) {
      notify({ text: failureSentence(error), tone: 'bad' })
    }
    onSettled()
  }
  return { undo: () => void back() }
}
