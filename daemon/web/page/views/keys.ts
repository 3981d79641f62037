/** Keys: prefixes as a tree, the keys of one as a list of any length, and an editor for the selected one. */
import { html } from 'htm/preact'
import { newKeyHash, pageHash } from '../model/places.js'
import { KeyEditor } from './key-editor.js'
import { KeyList } from './key-list.js'
import { KeyTree } from './key-tree.js'
import type { PlaceProps } from './mesh.js'
import { NewKey } from './new-key.js'
import { Empty, Icon, Panel } from './parts.js'

/** The second place. */
export function KeysPlace({ status, place }: PlaceProps) {
  const { item, prefix, isNew } = place
  const isOpen = item !== null || isNew
  const fresh = html`<a class="button primary" href=${newKeyHash}><${Icon} name="plus" />New key</a>`
  return html`<div class=${isOpen ? 'keys-place open' : 'keys-place'}>
    <${Panel} title="Prefixes" flush=${true}><${KeyTree} prefix=${prefix} entries=${status.entries} /><//>
    <${Panel} title=${prefix === '' ? 'All keys' : prefix} side=${fresh} flush=${true}><${KeyList} key=${prefix} prefix=${prefix} selected=${item} /><//>
    <div class="key-side">
      ${isOpen && html`<a class="back" href=${pageHash('keys', null, prefix)}><${Icon} name="back" />All keys</a>`}
      ${item !== null && html`<${KeyEditor} key=${item} name=${item} status=${status} prefix=${prefix} />`}
      ${isNew && html`<${NewKey} />`}
      ${!isOpen && html`<${Panel} title="Nothing selected"><${Empty} title="Select a key"><p>Its value, its versions and who holds it are shown here.</p><//><//>`}
    </div>
  </div>`
}
