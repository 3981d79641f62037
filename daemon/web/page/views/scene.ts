/** One moment of a session: contexts as bars, levels of the tree as rows, entries on their way, and equality. */
import { html } from 'htm/preact'
import type { ActorGap, LevelStep } from '../model/events.js'
import { bytesText, counted, countText } from '../model/format.js'
import { barParts, cellRows, missingIn, type Scene } from '../model/sessions.js'

/** Bars that are drawn for each side. */
const barsMax = 5
/** Levels of the tree that are drawn. */
const levelsMax = 6
/** Rows that are drawn of one level. */
const rowsMax = 2

/** Properties of a scene. */
export interface SceneProps {
  readonly scene: Scene
  readonly self: string
  readonly peer: string
}

/** The four acts side by side, the present one marked. */
export function SceneView({ scene, self, peer }: SceneProps) {
  const { phase, contexts, levels, entries, end } = scene
  const act = (name: string, title: string, isReached: boolean, body: unknown) => html`
    <section class=${`act ${name === phase ? 'present' : ''} ${isReached ? '' : 'unreached'}`} aria-label=${title}><h3>${title}</h3>${body}</section>`
  return html`<div class=${`scene ${end?.equal ? 'flash' : ''}`}>
    ${act(
      'contexts',
      'Contexts',
      contexts !== null,
      contexts === null
        ? html`<p class="dim small">what each side has seen</p>`
        : html`<p class="dim small">${bytesText(contexts.bytes)} swapped</p>
        <${Gaps} title=${`missing at ${self}`} gaps=${contexts.mine} rest=${contexts.mineRest} /><${Gaps} title=${`missing at ${peer}`} gaps=${contexts.theirs} rest=${contexts.theirsRest} />`,
    )}
    ${act('tree', 'Tree', levels.length > 0, html`<${Levels} levels=${levels} isOver=${entries !== null || end !== null} />`)}
    ${act(
      'entries',
      'Entries',
      entries !== null || (end !== null && end.entriesSent + end.entriesReceived > 0),
      html`
      <p class="arrows"><span>↑ <b>${countText(entries?.sent ?? end?.entriesSent ?? 0)}</b></span><span>↓ <b>${countText(entries?.received ?? end?.entriesReceived ?? 0)}</b></span></p>
      <p class="dim small">${bytesText((entries?.bytesSent ?? 0) + (entries?.bytesReceived ?? 0))} so far</p>`,
    )}
    ${act('end', end === null ? 'Equal?' : end.equal ? 'Equal' : 'Not yet equal', end !== null, html`<${Outcome} scene=${scene} self=${self} peer=${peer} />`)}
  </div>`
}

/** A bar for each actor, the missing part lit. */
function Gaps({ title, gaps, rest }: { title: string; gaps: readonly ActorGap[]; rest: number }) {
  const missing = missingIn(gaps, rest)
  return html`<p class="gap-title">${title}: <b>${missing === 0 ? 'nothing' : countText(missing)}</b></p>
    ${barParts(gaps, rest, barsMax).map(
      ({
        label,
        part,
        missing: count,
      }) => html`<div key=${label} class="bar" title=${`${label}: ${counted(count, 'update')} missing`}>
      <code>${label}</code><span class="bar-track"><span class="bar-lit" style=${{ width: `${Math.round(part * 100)}%` }}></span></span><span class="small">${countText(count)}</span></div>`,
    )}`
}

/** The levels that were compared, as rows of sixteen with the differing subtrees lit. */
function Levels({ levels, isOver }: { levels: readonly LevelStep[]; isOver: boolean }) {
  if (levels.length === 0)
    return html`<p class="dim small">${isOver ? 'not needed: the contexts told all' : 'compared when contexts do not tell'}</p>`
  return html`<ol class="levels">${levels.slice(0, levelsMax).map(
    (step) => html`<li key=${step.level}>
    ${cellRows(step)
      .slice(0, rowsMax)
      .map(
        (row, at) =>
          html`<span key=${at} class="cells" aria-hidden="true">${row.map((isLit, cell) => html`<i key=${cell} class=${isLit ? 'lit' : ''}></i>`)}</span>`,
      )}
    <span class="dim small">level ${step.level}: ${countText(step.differing)} of ${countText(step.compared)} differ</span></li>`,
  )}</ol>`
}

function Outcome({ scene: { end }, self, peer }: SceneProps) {
  const hue = end?.equal ? ['hue-0', 'hue-0'] : ['hue-0', 'hue-1']
  return html`<svg class="pair" viewBox="0 0 96 40" width="96" height="40" role="img" aria-label=${`${self} and ${peer}: ${end?.equal ? 'equal' : 'not equal'}`}>
      <path class="link line" d="M32 20H64" /><circle class=${`disc ${hue[0]}`} cx="18" cy="20" r="14" /><circle class=${`disc ${hue[1]}`} cx="78" cy="20" r="14" /></svg>
    <p class="dim small">${end === null ? 'not yet known' : `${counted(end.roundTrips, 'round trip')}, ${bytesText(end.bytesSent + end.bytesReceived)}`}</p>`
}
