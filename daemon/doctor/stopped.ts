/**
 * The doctor for a node whose daemon does not answer: settings, data directory, disk and ports, looked at from outside.
 */
import { access, constants, readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import type { Finding } from '../../protocols/api/doctor.js'
import { parseApiAddress } from '../config/checks.js'
import type { Settings } from '../config/knobs.js'
import { type Config, loadConfig } from '../config/load.js'
import { diskSpace } from './examine.js'
import { diskFindings, sortedByLevel } from './judge.js'
import { hostOf } from './tries.js'

/** Findings about the node that a daemon with these flags would be; the worst first. Changes nothing. */
export async function examineStopped(flags: Record<string, unknown>): Promise<Finding[]> {
  const environment = process.env
  let config: Config
  try {
    config = await loadConfig({ flags, environment, home: environment.HOME ?? homedir(), hostname: hostname() })
  } catch (error) {
    return [finding('fail', 'settings', (error as Error).message, 'correct it; nothing else was checked')]
  }
  const { settings } = config
  const warnings = config.warnings.map((text) => finding('warn', 'settings', text, 'see them all: hearsay config'))
  const found = [...warnings, ...(await directoryFindings(settings.data)), ...(await spaceFindings(settings))]
  const holder = await lockHolder(settings.data)
  // Who holds the store has the ports too.
  if (holder === undefined) return sortedByLevel([...found, ...(await portFindings(settings))])
  const text = `process ${holder} uses ${settings.data}, but does not answer at its socket`
  const remedy = `it may be starting or stopping; else look at its log, and end it: kill ${holder}`
  return sortedByLevel([...found, finding('fail', 'process', text, remedy)])
}

function finding(level: Finding['level'], check: string, text: string, remedy: string | null = null): Finding {
  return { level, check, text, remedy }
}

async function directoryFindings(data: string): Promise<Finding[]> {
  const stats = await stat(data).catch(() => undefined)
  if (stats === undefined) {
    return [
      finding('warn', 'data', `${data} does not exist; the first start makes it`, 'is it the right one? (--data)'),
    ]
  }
  if (!stats.isDirectory())
    return [finding('fail', 'data', `${data} is no directory`, 'move it away, or name another: --data')]
  const found: Finding[] = []
  const isOurs = await access(data, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
  if (!isOurs) {
    found.push(
      finding('fail', 'data', `this user may not write to ${data}`, 'run as its owner, or give it to this user'),
    )
  }
  if (await exists(join(data, 'store.suspect'))) {
    found.push(finding('warn', 'store', 'it was damaged and repaired, and is verified by the next start'))
  }
  const text = (await exists(join(data, 'store'))) ? data : `${data} holds no store yet`
  return found.length > 0 ? found : [finding('ok', 'data', text)]
}

async function spaceFindings({ data, ...settings }: Settings): Promise<Finding[]> {
  if (!(await exists(data))) return []
  const log = { bytes: 0, maxBytes: settings['log.maxBytes'], maxAgeMs: settings['log.maxAge'] }
  return diskFindings({ disk: await diskSpace(data), log })
}

async function portFindings({ listen, api }: Settings): Promise<Finding[]> {
  const peers = listen.map((address) => ({ address, flag: '--listen', target: hostOf(address) }))
  const users = api.map((address) => ({ address, flag: '--api', target: parseApiAddress(address) }))
  const tried = [...peers, ...users].filter(({ target }) => target !== undefined && target.port !== 0)
  const found: Finding[] = []
  for (const { address, flag, target } of tried) {
    const reason = await refusal(target!)
    if (reason === 'EADDRINUSE') {
      const remedy = `stop the program that uses it (ss -ltnp), or choose another with ${flag}`
      found.push(finding('fail', 'ports', `${address} is in use`, remedy))
    } else if (reason === 'EACCES') {
      found.push(
        finding('fail', 'ports', `this user may not listen on ${address}`, `choose a port above 1023 with ${flag}`),
      )
    } else if (reason !== undefined && !(reason === 'EAFNOSUPPORT' || /^\/ip6\/::\//.test(address))) {
      found.push(
        finding('fail', 'ports', `${address} cannot be listened on (${reason})`, `choose another with ${flag}`),
      )
    }
  }
  if (found.length > 0 || tried.length === 0) return found
  return [finding('ok', 'ports', `${tried.map(({ address }) => address).join(', ')} can be listened on`)]
}

/** The system's code with which listening fails; undefined when it works. */
function refusal({ host, port }: { readonly host: string; readonly port: number }): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port, ipv6Only: host.includes(':') }, () => server.close(() => resolve(undefined)))
  })
}

/** The id of the process that holds the store's lock, where the system tells; undefined when none does. */
async function lockHolder(data: string): Promise<number | undefined> {
  try {
    const { ino } = await stat(join(data, 'store', 'LOCK'))
    const locks = await readFile('/proc/locks', 'utf8')
    const [, holder] = new RegExp(`WRITE +(\\d+) +[0-9a-f]+:[0-9a-f]+:${ino} `).exec(locks) ?? []
    return holder === undefined ? undefined : Number(holder)
  } catch {
    return undefined
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
