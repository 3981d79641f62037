/** The page: header, navigation, one of five places, the live region; or the sign-in. */
import { html } from 'htm/preact'
import { useEffect } from 'preact/hooks'
import { useLive } from '../io/live.js'
import { usePlace } from '../io/surroundings.js'
import { type PagePlace, type PlaceName, pageHash, placeNames, placeTitles } from '../model/places.js'
import type { LiveState } from '../model/state.js'
import { ActivityPlace } from './activity.js'
import { ConflictsPlace } from './conflicts.js'
import { PageHeader } from './header.js'
import { KeysPlace } from './keys.js'
import { MembersPlace } from './members.js'
import { MeshPlace } from './mesh.js'
import { NoticeBar } from './notice.js'
import { Icon, Loading } from './parts.js'
import { SignInPage } from './sign-in.js'

const views = {
  mesh: MeshPlace,
  keys: KeysPlace,
  conflicts: ConflictsPlace,
  members: MembersPlace,
  activity: ActivityPlace,
} as const

/** Everything there is to see. `failure`: why signing in by the address has failed. */
export function App({ failure }: { failure: string | null }) {
  const live = useLive()
  const place = usePlace()
  const title = placeTitles[place.name]
  useEffect(() => {
    document.title = live.status === null ? 'hearsay' : `${title} · ${live.status.node} · hearsay`
  }, [title, live.status?.node])
  if (live.link === 'refused') return html`<${SignInPage} failure=${failure} />`
  return html`<a class="skip" href="#main" onClick=${toMain}>Skip to the content</a>
    <div class="shell">
      <${PageHeader} live=${live} />
      <${Navigation} live=${live} place=${place} />
      <main id="main" tabindex="-1" aria-label=${title}>${shown(live, place)}</main>
    </div>
    <${NoticeBar} />
    <div class="hidden" role="status" aria-live="polite">${live.said}</div>`
}

function shown(live: LiveState, place: PagePlace) {
  if (live.status === null) return html`<${Loading} what="the mesh" />`
  return html`<${views[place.name]} live=${live} status=${live.status} place=${place} />`
}

function toMain(event: Event): void {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

function Navigation({ live, place }: { live: LiveState; place: PagePlace }) {
  return html`<nav class="nav" aria-label="Places">
    ${placeNames.map(
      (name) => html`<a key=${name} href=${pageHash(name)} aria-current=${name === place.name ? 'page' : undefined}>
      <${Icon} name=${name} /><span>${placeTitles[name]}</span><${NavCount} live=${live} name=${name} />
    </a>`,
    )}
  </nav>`
}

function NavCount({ live, name }: { live: LiveState; name: PlaceName }) {
  const conflicts = live.status?.conflicts ?? 0
  const warnings = live.warnings.length
  if (name === 'conflicts' && conflicts > 0)
    return html`<b class="count" title="keys that need a decision">${conflicts}</b>`
  if (name === 'activity' && warnings > 0) return html`<b class="count" title="warnings">${warnings}</b>`
  return null
}
