/** The page of a reader who is not signed in: how to get a link, and a form for the token. */
import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import { signInByToken } from '../io/session.js'
import { Mark } from './header.js'
import { CopyButton } from './parts.js'

const command = 'hearsay dashboard'

/** Asks to sign in. `failure`: why a link was not taken. */
export function SignInPage({ failure }: { failure: string | null }) {
  const [token, setToken] = useState('')
  const submit = (event: Event) => {
    event.preventDefault()
    if (token.trim() !== '') signInByToken(token.trim())
  }
  return html`<main class="sign-in">
    <div class="panel">
      <p class="brand"><${Mark} /><span>hearsay</span></p>
      <h1>Sign in to this node</h1>
      ${failure && html`<p class="note bad" role="alert">${failure} Get a new one as below.</p>`}
      <p>On the machine that runs this node, ask for a link and open it. It works once, within five minutes.</p>
      <p class="command"><code>${command}</code><${CopyButton} text=${command} what="the command" /></p>
      <form onSubmit=${submit}>
        <label for="token">Or give the token from the file <code>api.token</code> in the data directory</label>
        <div class="line">
          <input id="token" type="password" autocomplete="off" value=${token} onInput=${(event: InputEvent) => setToken((event.target as HTMLInputElement).value)} />
          <button class="button primary">Sign in</button>
        </div>
      </form>
      <p class="dim small">A link signs this browser in for twelve hours, the token until this tab is closed.</p>
    </div>
  </main>`
}
