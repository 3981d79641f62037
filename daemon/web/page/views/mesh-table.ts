/** Every fact of the graph in a table. */
import { html } from 'htm/preact'
import type { Member, Status } from '../model/events.js'
import { bytesText, countText } from '../model/format.js'
import type { Hues, Roots } from '../model/hues.js'
import { toneOf, wordOf } from '../model/member-words.js'
import { offsetText, RootText } from './node-detail.js'
import { Ago, Panel, Pill } from './parts.js'
import { useShownCount } from './shown-count.js'

/** Properties of the table. */
export interface MeshTableProps {
  readonly status: Status
  readonly roots: Roots
  readonly hues: Hues
  readonly selected: string
  readonly onSelect: (id: string) => void
}

/** The table of all nodes, this one first. */
export function MeshTable({ status, roots, hues, selected, onSelect }: MeshTableProps) {
  const { members } = status
  const { count, more } = useShownCount(members.length)
  const root = (peer: string) => html`<${RootText} root=${roots.get(peer) ?? null} hue=${hues.get(peer)} />`
  const name = (peer: string, text: string) =>
    html`<button type="button" class="link-button" aria-pressed=${peer === selected} onClick=${() => onSelect(peer)}>${text}</button>`
  const linked = (member: Member) => heardNames(member, status)
  return html`<${Panel} title="All nodes" flush=${true}>
    <div class="scroll" tabindex="0" role="region" aria-label="Table of all nodes">
      <table class="table">
        <thead><tr><th scope="col">Node</th><th scope="col">State</th><th scope="col">Root</th><th scope="col" class="number">Behind</th><th scope="col" class="number">Ahead</th>
          <th scope="col">Last equal</th><th scope="col">Last seen</th><th scope="col" class="number">Hints</th><th scope="col" class="number">Clock</th><th scope="col">Hears</th></tr></thead>
        <tbody>
          <tr><th scope="row">${name(status.peer, status.node)}</th><td>this node</td><td>${root(status.peer)}</td><td class="number">–</td><td class="number">–</td>
            <td>–</td><td>–</td><td class="number">${bytesText(status.log.bytes)}</td><td class="number">–</td><td>${ownNames(status)}</td></tr>
          ${members.slice(0, count).map((member) => {
            const word = wordOf(member, members)
            return html`<tr key=${member.peer} data-member=${member.name}>
              <th scope="row">${name(member.peer, member.name)}</th><td><${Pill} tone=${toneOf(word)}>${word}<//></td><td>${root(member.peer)}</td>
              <td class="number">${countText(member.behind)}</td><td class="number">${countText(member.ahead)}</td>
              <td><${Ago} time=${member.lastEqual} /></td><td><${Ago} time=${member.lastSeen} /></td>
              <td class="number">${member.hints.updates === 0 ? '–' : bytesText(member.hints.bytes)}</td>
              <td class="number">${offsetText(member.clockOffsetMs)}</td><td>${linked(member)}</td></tr>`
          })}
        </tbody>
      </table>
    </div>
    ${more}
  <//>`
}

function ownNames({ members }: Status): string {
  return listed(members.filter(({ connected }) => connected).map(({ name }) => name))
}

function heardNames({ hears }: Member, { peer, node, members }: Status): string {
  const nameOf = (id: string) =>
    id === peer ? node : (members.find((member) => member.peer === id)?.name ?? 'one unknown here')
  return listed(hears.map(nameOf))
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return '–'
  return names.length > 6 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.toSorted().join(', ')
}
