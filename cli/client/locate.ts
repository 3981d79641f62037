/** Finds the daemon's API: an address given, the environment, or the data directory. */
import { join, resolve } from 'node:path'
import { UsageError } from '../failure.js'
import { socketPathBytesMax } from '../limits.js'

/** Address at which an API listens: a Unix socket, or a TCP host and port. */
export type ClientTarget = { readonly socketPath: string } | { readonly host: string; readonly port: number }

/** Address and data directory of the daemon, as far as a caller knows them. */
export interface DaemonPlace {
  /** `unix:/path`, `http://host:port`, `host:port` or an absolute path. */
  readonly api?: string | undefined
  /** The daemon's data directory. */
  readonly data?: string | undefined
}

/**
 * Finds the API. What the caller gave comes before the environment (`HEARSAY_API`, `HEARSAY_DATA`), which comes before
 * the default data directory.
 * @throws UsageError when an address is malformed.
 */
export function locate(where: DaemonPlace, environment: NodeJS.ProcessEnv): ClientTarget {
  if (where.api) return parseEndpoint(where.api)
  if (!where.data && environment.HEARSAY_API) return parseEndpoint(environment.HEARSAY_API)
  return { socketPath: socketOf(dataDirectory(where.data, environment)) }
}

/** The data directory: as given, `HEARSAY_DATA`, `$XDG_DATA_HOME/hearsay`, or `~/.local/share/hearsay`; absolute. */
export function dataDirectory(given: string | undefined, environment: NodeJS.ProcessEnv): string {
  const named = given || environment.HEARSAY_DATA
  if (named) return resolve(named)
  const base = environment.XDG_DATA_HOME
  return join(
    base?.startsWith('/')
      ? base
      : join(environment.HOME || process.getBuiltinModule('node:os').homedir(), '.local', 'share'),
    'hearsay',
  )
}

/**
 * The token for an endpoint when none was given: that of the data directory, for a daemon on this machine alone, so
 * that it is sent to nobody else. Undefined when there is none.
 */
export function tokenOf(
  endpoint: ClientTarget,
  where: DaemonPlace,
  environment: NodeJS.ProcessEnv,
): string | undefined {
  if ('socketPath' in endpoint || !isLoopback(endpoint.host)) return undefined
  try {
    const file = join(dataDirectory(where.data, environment), 'api.token')
    return process.getBuiltinModule('node:fs').readFileSync(file, 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** The socket of a data directory: `api.path` names it when its natural path is too long for the kernel. */
function socketOf(directory: string): string {
  const natural = join(directory, 'api.sock')
  if (Buffer.byteLength(natural) <= socketPathBytesMax) return natural
  try {
    return process.getBuiltinModule('node:fs').readFileSync(join(directory, 'api.path'), 'utf8').trim() || natural
  } catch {
    return natural
  }
}

/**
 * Reads an API address.
 * @throws UsageError when it is none.
 */
export function parseEndpoint(text: string): ClientTarget {
  if (text.startsWith('unix:')) return { socketPath: unixPath(text.slice('unix:'.length), text) }
  if (text.startsWith('/') || text.startsWith('./') || text.startsWith('../')) return { socketPath: resolve(text) }
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  let url: URL
  try {
    url = new URL(address)
  } catch {
    throw badAddress(text)
  }
  if (url.protocol !== 'http:' || !url.hostname || url.username || url.password) throw badAddress(text)
  if (url.pathname !== '/' || url.search || url.hash) throw badAddress(text)
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port ? Number(url.port) : 80 }
}

function unixPath(rest: string, text: string): string {
  const path = rest.startsWith('//') ? rest.slice(2) : rest
  if (!path) throw badAddress(text)
  return resolve(path)
}

function badAddress(text: string): UsageError {
  return new UsageError(`'${text}' is no API address: give unix:/path/to/api.sock or http://host:port`)
}

/** Writes an endpoint the way `--api` takes it. */
export function describeEndpoint(endpoint: ClientTarget): string {
  if ('socketPath' in endpoint) return `unix:${endpoint.socketPath}`
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host
  return `http://${host}:${endpoint.port}`
}
