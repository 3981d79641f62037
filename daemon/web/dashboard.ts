/** The dashboard: one page without anything external, fed by the API alone. Every value is set as text, never as HTML. */
import { hash } from 'node:crypto'

const style = `
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #b42318; --dim: #777; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 64rem; padding: 1.5rem; }
h1 { font-size: 1.3rem; margin: 0 0 .25rem; } h2 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
code, td.code { font: 13px/1.5 ui-monospace, monospace; word-break: break-all; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; color: var(--dim); font-size: .85rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .dim { color: var(--dim); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .5rem 0; } dt { color: var(--dim); } dd { margin: 0; }
ul { padding-left: 1.2rem; } form { margin: 1rem 0; } input { font: inherit; width: 24rem; max-width: 100%; }
[hidden] { display: none; }
`

const script = `
'use strict'
const byId = (id) => document.getElementById(id)
const tokenKey = 'hearsay-token'
const fromHash = /^#token=(.+)$/.exec(location.hash)
if (fromHash) { sessionStorage.setItem(tokenKey, decodeURIComponent(fromHash[1])); history.replaceState(null, '', location.pathname) }
async function get(path) {
  const token = sessionStorage.getItem(tokenKey)
  const answer = await fetch(path, { headers: { Accept: 'application/json', ...(token ? { Authorization: 'Bearer ' + token } : {}) }, cache: 'no-store' })
  if (answer.status === 401) { const error = new Error('the API token is needed'); error.needsToken = true; throw error }
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).detail || 'the daemon answered ' + answer.status)
  return answer.json()
}
function cell(row, text, kind) { const made = document.createElement('td'); made.textContent = text; if (kind) made.className = kind; row.append(made) }
function fill(body, items, draw, empty) {
  const rows = items.map((item) => { const row = document.createElement('tr'); draw(row, item); return row })
  if (rows.length === 0) { const row = document.createElement('tr'); cell(row, empty, 'dim'); row.firstChild.colSpan = 9; rows.push(row) }
  byId(body).replaceChildren(...rows)
}
const when = (time) => time ? new Date(time).toLocaleString() : 'never'
function stateOf(member) {
  if (member.blocked) return ['blocked', 'bad']
  if (!member.connected) return ['away', 'bad']
  return member.converged ? ['equal', 'good'] : ['catching up', '']
}
function show(status, conflicts) {
  document.title = status.node + ' · hearsay'
  byId('node').textContent = status.node
  byId('peer').textContent = status.peer
  byId('entries').textContent = status.entries.toLocaleString()
  byId('root').textContent = status.root
  byId('verified').textContent = status.verified ? 'yes' : 'not yet'
  byId('addresses').textContent = status.addresses.join('  ')
  byId('version').textContent = status.version
  const warnings = status.warnings.map((text) => { const item = document.createElement('li'); item.textContent = text; return item })
  byId('warnings').replaceChildren(...warnings)
  byId('warned').hidden = warnings.length === 0
  fill('members', status.members, (row, member) => {
    const [text, kind] = stateOf(member)
    cell(row, member.name); cell(row, text, kind); cell(row, member.behind.toLocaleString()); cell(row, member.ahead.toLocaleString())
    cell(row, when(member.lastSeen)); cell(row, when(member.lastEqual)); cell(row, member.peer, 'code')
  }, 'No other member yet. Run “hearsay invite” here and “hearsay join TOKEN” on another machine.')
  byId('count').textContent = status.conflicts
  fill('conflicts', conflicts.items, (row, item) => {
    cell(row, item.key, 'code'); cell(row, item.type); cell(row, item.versions.length)
    cell(row, item.versions.map((version) => version.node).join(', '))
    cell(row, item.versions.map((version) => version.encoding === 'utf8' ? version.value.slice(0, 80) : version.size + ' bytes').join('  |  '), 'code')
  }, 'None.')
}
async function refresh() {
  try {
    const [status, conflicts] = await Promise.all([get('/v1/status'), get('/v1/conflicts?limit=20')])
    show(status, conflicts)
    byId('main').hidden = false; byId('ask').hidden = true
    byId('state').textContent = 'as of ' + new Date().toLocaleTimeString(); byId('state').className = 'dim'
  } catch (error) {
    byId('ask').hidden = !error.needsToken
    byId('state').textContent = error.needsToken ? 'The API token is needed.' : 'No answer: ' + error.message; byId('state').className = 'bad'
  }
  setTimeout(refresh, 2000)
}
byId('ask').addEventListener('submit', (event) => { event.preventDefault(); sessionStorage.setItem(tokenKey, byId('token').value.trim()); byId('token').value = '' })
refresh()
`

const sourceOf = (text: string) => `'sha256-${hash('sha256', text, 'base64')}'`

/** The headers of the page: nothing but its own script and style may run, and it may talk to this daemon alone. */
export const dashboardHeaders: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': [
    "default-src 'none'",
    `script-src ${sourceOf(script)}`,
    `style-src ${sourceOf(style)}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
}

/** The page itself; it holds no data. */
export const dashboardPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>hearsay</title><style>${style}</style></head>
<body>
<h1><span id="node">hearsay</span></h1>
<p id="state" class="dim" role="status">Loading…</p>
<form id="ask" hidden><label>Token (in the file <code>api.token</code> of the data directory): <input id="token" type="password" autocomplete="off"></label> <button>Show</button></form>
<main id="main" hidden>
<dl><dt>Entries</dt><dd id="entries"></dd><dt>Root</dt><dd><code id="root"></code></dd><dt>Verified</dt><dd id="verified"></dd><dt>Peer id</dt><dd><code id="peer"></code></dd><dt>Addresses</dt><dd><code id="addresses"></code></dd><dt>Version</dt><dd id="version"></dd></dl>
<section id="warned" hidden><h2 class="bad">Warnings</h2><ul id="warnings"></ul></section>
<h2>Members</h2>
<table><thead><tr><th>Name</th><th>State</th><th>Behind</th><th>Ahead</th><th>Last seen</th><th>Last equal</th><th>Peer id</th></tr></thead><tbody id="members"></tbody></table>
<h2>Conflicts (<span id="count">0</span>)</h2>
<table><thead><tr><th>Key</th><th>Type</th><th>Versions</th><th>By</th><th>Values</th></tr></thead><tbody id="conflicts"></tbody></table>
</main>
<script>${script}</script>
</body></html>
`
