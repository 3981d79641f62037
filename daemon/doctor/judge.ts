/** Judgement of a node and its mesh: facts in, findings out. Pure. */
import type { Finding } from '../../protocols/api/doctor.js'
import type { Facts } from './facts.js'
import { diskFailBytes, diskWarnBytes } from './limits.js'
import { memberFinding, versionFinding } from './members.js'
import { noticeFinding } from './notices.js'
import { amountText, namesText, sizeText } from './words.js'

const worst: readonly Finding['level'][] = ['fail', 'warn', 'ok']

/** All findings about a node, the worst first; those of one level in the order of the checks. */
export function findingsOf(facts: Facts): Finding[] {
  const found = [
    ...storeFindings(facts),
    ...diskFindings(facts),
    ...identityFindings(facts),
    ...memberFindingsOf(facts),
    ...clockFindings(facts),
    ...networkFindings(facts),
    ...versionFindings(facts),
    ...otherNotices(facts),
    conflictFinding(facts),
  ]
  return sortedByLevel(found)
}

/** Findings, the worst first. */
export function sortedByLevel(findings: readonly Finding[]): Finding[] {
  return worst.flatMap((level) => findings.filter((one) => one.level === level))
}

const ok = (check: string, text: string): Finding => ({ level: 'ok', check, text, remedy: null })
const warn = (check: string, text: string, remedy: string | null): Finding => ({ level: 'warn', check, text, remedy })
const fail = (check: string, text: string, remedy: string | null): Finding => ({ level: 'fail', check, text, remedy })

/** Matters of the store whose check shows them by itself. */
const storeMatters = new Set(['files', 'disk-failed', 'unchecked', 'failed', 'verify', 'damaged-row', 'damage', 'trim'])
const identityMatters = new Set(['identity', 'clash', 'rival', 'forgotten'])

function notices({ notices: all }: Facts, isWanted: (about: string) => boolean): Finding[] {
  return all.filter(({ about }) => isWanted(about)).map(noticeFinding)
}

function storeFindings(facts: Facts): Finding[] {
  const { store } = facts
  const warnings = notices(facts, (about) => storeMatters.has(about))
  const found = warnings.length > 0 ? warnings : store.obstacle === null ? [] : [obstacleFinding(store.obstacle)]
  if (store.obstacle !== null) return found
  if (!store.isVerified) return [...found, unverifiedFinding(facts)]
  return [...found, ok('store', `verified since the start, ${amountText(store.entries, 'entry', 'entries')}`)]
}

function obstacleFinding({ code, message }: { code: string; message: string }): Finding {
  return fail('store', `${message} (${code})`, 'see the log of the daemon')
}

function unverifiedFinding({ store: { unverifiedReason, progress } }: Facts): Finding {
  const reason = unverifiedReason ?? 'the store is not verified'
  if (progress === null) return fail('store', `${reason}; this node does not sync`, 'see the log of the daemon')
  const share = progress.ofAbout === 0 ? 0 : Math.floor((100 * progress.rows) / progress.ofAbout)
  const rows = `${progress.rows.toLocaleString('en-US')} of about ${progress.ofAbout.toLocaleString('en-US')} rows`
  return warn(
    'store',
    `${reason}: ${rows} (${share} %); until then this node does not sync`,
    'wait; it goes on by itself',
  )
}

/** Findings about the space of the disk. */
export function diskFindings({ disk, log }: Pick<Facts, 'disk' | 'log'>): Finding[] {
  if ('reason' in disk) return [warn('disk', `its free space cannot be asked: ${disk.reason}`, null)]
  const { freeBytes, totalBytes } = disk
  const text = `${sizeText(freeBytes)} free of ${sizeText(totalBytes)}`
  const remedy = 'free space, or move the data directory to a larger disk (stop, copy, --data)'
  if (freeBytes < diskFailBytes) return [fail('disk', `${text}; writes fail when it is full`, remedy)]
  if (freeBytes < diskWarnBytes) return [warn('disk', text, remedy)]
  const mayGrow = log.maxBytes - log.bytes
  if (mayGrow <= freeBytes) return [ok('disk', text)]
  const grow = `${text}; the log for absent members may still grow by ${sizeText(mayGrow)}`
  return [warn('disk', grow, 'lower log.maxBytes, or free space')]
}

function identityFindings(facts: Facts): Finding[] {
  const { clashes } = facts
  const found = notices(facts, (about) => identityMatters.has(about) && !(about === 'clash' && clashes.count > 0))
  if (clashes.count > 0) {
    const named = clashes.dots.map(({ dot, member }) => `${dot} of ${member}`)
    const dots = `${amountText(clashes.dots.length, 'dot')} with two contents, seen ${amountText(clashes.count, 'time')}: ${namesText(named, named.length)}`
    const text = `${dots}; both are kept. A machine was cloned while it ran, or rolled back with its memory`
    found.push(warn('identity', text, 'stop one of the two copies, or give it a data directory of its own'))
  }
  return found.length > 0 ? found : [ok('identity', 'no other copy of this node is known')]
}

/** Members that need somebody, each by itself; those that do not, together. */
function memberFindingsOf(facts: Facts): Finding[] {
  const { members, network } = facts
  const joins = notices(facts, (about) => about === 'join')
  if (members.length === 0) {
    const text = `none: nothing but this disk holds the data${network.isMdnsOn ? '' : ', and mDNS is off, so that nobody is found by itself'}`
    return [
      ...joins,
      warn('members', text, 'on another machine: hearsay join TOKEN, with the token of `hearsay invite`'),
    ]
  }
  const judged = members.map((member) => memberFinding(member, facts))
  const bad = judged.filter(({ level }) => level !== 'ok')
  const equal = members.filter(({ converged }) => converged).map(({ name }) => name)
  const connected = members.filter((one) => one.connected).length
  const sum = `${connected} of ${members.length} connected, ${equal.length} equal${equal.length > 0 ? ` (${namesText(equal)})` : ''}`
  const rest = judged.filter(({ level, text }) => level === 'ok' && !text.endsWith(': equal')).slice(0, 10)
  return [...joins, ...bad, ok('members', sum), ...rest]
}

function clockFindings(facts: Facts): Finding[] {
  const found = notices(facts, (about) => about === 'clock' || about === 'future-times')
  const offsets = facts.members.flatMap(({ clockOffsetMs }) =>
    clockOffsetMs === null ? [] : [Math.abs(clockOffsetMs)],
  )
  if (found.length > 0 || offsets.length === 0) return found
  return [ok('clocks', `within ${Math.max(1, ...offsets.map(Math.round)).toLocaleString('en-US')} ms of each other`)]
}

function networkFindings({ network, members }: Facts): Finding[] {
  const { isUp, addresses, unanswered } = network
  if (!isUp) return [warn('network', 'it is starting', 'wait a moment; if it stays so, see the log of the daemon')]
  if (addresses.length === 0) {
    return [warn('network', 'no address that members could be told', 'restart with --listen or --announce')]
  }
  const found: Finding[] = []
  if (unanswered.length > 0) {
    const text = `nothing answers at ${namesText(unanswered)}, which is announced to members`
    const remedy = 'check --announce and the forwarded port; a router that does not loop back also looks like this'
    found.push(warn('network', text, remedy))
  }
  const cutOff = members.filter((one) => !one.connected && one.addresses.some((address) => !isLoopback(address)))
  if (addresses.every(isLoopback) && cutOff.length > 0) {
    const text = `the addresses announced to members are of this machine alone (${namesText(addresses)})`
    found.push(warn('network', text, 'listen on an address of the network: --listen /ip4/0.0.0.0/tcp/7400'))
  }
  const mdns = network.isMdnsOn ? 'mDNS is on' : 'mDNS is off'
  return found.length > 0 ? found : [ok('network', `${amountText(addresses.length, 'address', 'addresses')}, ${mdns}`)]
}

/** True if an address leads to the machine itself. */
function isLoopback(address: string): boolean {
  return /^\/ip4\/127\.|^\/ip6\/::1\/|^\/dns[46]?\/localhost\//.test(address)
}

function versionFindings({ version, members }: Facts): Finding[] {
  const known = members.filter((one) => one.version !== '')
  const others = known.filter((one) => one.version !== version)
  if (others.length > 0) return [versionFinding(version, others)]
  return known.length === 0 ? [] : [ok('versions', `all members run ${version}`)]
}

/** Notices that no check above has shown, whatever they are about. */
function otherNotices(facts: Facts): Finding[] {
  const shown = new Set([...storeMatters, ...identityMatters, 'join', 'clock', 'future-times'])
  return notices(facts, (about) => !shown.has(about))
}

function conflictFinding({ conflicts }: Facts): Finding {
  if (conflicts === 0) return ok('conflicts', 'none')
  const text = `${amountText(conflicts, 'key')} in conflict; every version is kept`
  return warn('conflicts', text, 'look with `hearsay conflicts`, settle with `hearsay resolve KEY`')
}
