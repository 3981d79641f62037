/** The line on stdout that says the daemon is ready. */
import { callHint, type Start } from './call-hint.js'

/** Content of the line. */
export interface Ready {
  readonly node: string
  readonly peer: string
  /** Multiaddrs for peers. */
  readonly addresses: readonly string[]
  /** `unix:/path` first, then `http://host:port` for each TCP address. */
  readonly api: readonly string[]
  readonly resp: string | null
  /** The URL of the dashboard; null without the API over TCP. */
  readonly dashboard: string | null
}

/** One line, with its end: JSON for programs, or for people what is there and what to do next, as they can type it. */
export function readyLine(ready: Ready, format: 'text' | 'json', start: Start): string {
  if (format === 'json') return `${JSON.stringify({ msg: 'ready', ...ready })}\n`
  const where = ready.api
    .slice(1)
    .map((url) => `, ${url}`)
    .join('')
  const { program, flags } = callHint(start)
  const dashboard = ready.dashboard === null ? '' : ` Dashboard: ${ready.dashboard}`
  return `hearsay is ready: node ${ready.node}, data in ${start.data}${where}. Try \`${program} put hello world${flags}\`, or \`${program} invite${flags}\` to add a machine.${dashboard}\n`
}
