/** An invitation: the command for another machine, and its token as a QR code. */
import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import { encode } from 'uqr'
import { jsonOf } from '../io/api.js'
import { useAction } from '../io/loading.js'
import { CopyButton, Failed } from './parts.js'

/** A button that makes an invitation, and the invitation once it is made. */
export function InviteBody() {
  const [token, setToken] = useState<string | null>(null)
  const action = useAction()
  const invite = () =>
    action.run(async () =>
      setToken((await jsonOf<{ token: string }>('/v1/invite', { method: 'POST', json: {} })).token),
    )
  if (token === null) {
    return html`${action.failure && html`<${Failed} text=${action.failure} />`}
      <p class="actions"><button type="button" class="button primary" disabled=${action.isRunning} onClick=${invite}>Make an invitation</button></p>`
  }
  const command = `hearsay join ${token}`
  return html`<div class="invite">
    <${QrCode} text=${token} />
    <div>
      <p>On the other machine, with its daemon running:</p>
      <p class="command"><code class="wrap">${command}</code></p>
      <p class="actions"><${CopyButton} text=${command} what="the command" label="Copy the command" /><${CopyButton} text=${token} what="the token" label="Copy the token" /></p>
      <p class="dim small">Whoever has the token can join, read and write everything. Keep it secret.</p>
    </div>
  </div>`
}

/** A text as a QR code, with the quiet border that readers need. */
function QrCode({ text }: { text: string }) {
  const { data, size } = encode(text, { ecc: 'L', border: 2 })
  const path = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : []))).join('')
  return html`<svg class="qr" viewBox=${`0 0 ${size} ${size}`} role="img" aria-label="The token as a QR code" shape-rendering="crispEdges"><path d=${path} /></svg>`
}
