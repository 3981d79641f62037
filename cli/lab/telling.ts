/** Reports of the lab to people: sentences about what was done. */
import { formatBytes } from '../duration.js'
import { count } from '../output.js'
import type { Healed, LabNodeView } from './lab.js'
import { type Links, slownessText } from './links.js'
import { groupsText, numberText } from './names.js'

/** `five nodes are up: ann bob cid dan eve, in 2.1 s`. */
export function upText(nodes: readonly string[], elapsedMs: number): string {
  const [are, many] = nodes.length === 1 ? ['is', 'node'] : ['are', 'nodes']
  return `${numberText(nodes.length)} ${many} ${are} up: ${nodes.join(' ')}, in ${secondsText(elapsedMs)}`
}

/** `cut: ann bob | cid dan eve`. */
export function splitText(groups: Links['groups']): string {
  return `cut: ${groupsText(groups)}`
}

/** `healed in 0.4 s: 2 sessions, 312 B, 2 entries sent; all five are equal (root 92f91c36)`. */
export function healText({ elapsedMs, sessions, bytes, entries, nodes, root, absent }: Healed): string {
  const sent = `${count(sessions, 'session')}, ${formatBytes(bytes)}, ${count(entries, 'entry', 'entries')} sent`
  const away = absent.length > 0 ? `; ${absent.join(' ')} not running` : ''
  return `healed in ${secondsText(elapsedMs)}: ${sent}; ${equalText(nodes)} (root ${root.slice(0, 8)})${away}`
}

/** `all five are equal`. */
export function equalText(nodes: readonly string[]): string {
  return nodes.length === 1 ? `${nodes[0]} alone` : `all ${numberText(nodes.length)} are equal`
}

/** Links that are slow, and their slowness; a line for each rule. */
export function slowText({ slow }: Links): string {
  if (slow.length === 0) return 'no link is slow'
  const between = (groups: Links['groups']) => (groups.length === 0 ? 'all links' : groupsText(groups))
  return slow.map((rule) => `slow: ${between(rule.groups)}: ${slownessText(rule)}`).join('\n')
}

/** The first line of `lab status`: whether all are equal, and if not, why. */
export function stateText(views: readonly LabNodeView[], links: Links, isEqual: boolean, hasSwitch: boolean): string {
  const away = views.filter(({ status }) => status === undefined).map(({ name }) => name)
  const running = views.filter(({ status }) => status !== undefined).map(({ name }) => name)
  const roots = new Set(views.flatMap(({ status }) => (status === undefined ? [] : [status.root]))).size
  const parts = [
    running.length === 0
      ? 'no node runs'
      : isEqual
        ? equalText(running)
        : `${numberText(roots)} different ${roots === 1 ? 'state, not yet compared' : 'states'}`,
    away.length > 0 && running.length > 0 ? `${away.join(' ')} not running` : '',
    links.groups.length > 0 ? splitText(links.groups) : '',
    hasSwitch ? '' : 'the switch has ended, so no node reaches another: `hearsay lab heal` starts it again',
  ]
  return parts.filter((part) => part !== '').join('; ')
}

function secondsText(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
