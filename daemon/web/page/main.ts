/** Entry of the dashboard: signs in with what the address holds, and shows the page. */
import './style/all.css'
import { html, render } from 'htm/preact'
import { signInByAddress } from './io/session.js'
import { secretOf } from './model/places.js'
import { App } from './views/app.js'

const show = (failure: string | null) => render(html`<${App} failure=${failure} />`, document.getElementById('app')!)

show(await signInByAddress())
// A new link that is opened in the same tab changes nothing but the part behind the #.
addEventListener('hashchange', async () => {
  if (secretOf(location.hash) !== null) show(await signInByAddress())
})
