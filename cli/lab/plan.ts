/** PURE: the places of all files of a lab, and the arguments and the environment of its processes. */
import { join } from 'node:path'

/** Record that is kept of a lab for all of its life. */
export interface LabRecord {
  readonly version: 1
  readonly nodes: readonly string[]
  /** Flags of all daemons beside those of the lab. */
  readonly flags: readonly string[]
}

/** The name of the switch among the processes. */
export const switchName = 'switch'

/** The files of a lab. */
export interface Places {
  readonly directory: string
  /** The first file that is made and the last that is removed: this directory is a lab. */
  readonly record: string
  /** File that exists once the lab is taken down: a process that starts then ends at once. */
  readonly closing: string
  readonly links: string
  readonly runFolder: string
  readonly logFolder: string
  readonly nodeFolder: string
  /** File to which a process writes its number, before it does anything else. */
  pid(name: string): string
  /** File with what a process prints when it is ready. */
  ready(name: string): string
  log(name: string): string
  data(node: string): string
}

/** The files of the lab in a directory, which is absolute. */
export function placesOf(directory: string): Places {
  const [runFolder, logFolder, nodeFolder] = ['run', 'logs', 'nodes'].map((name) => join(directory, name))
  return {
    directory,
    record: join(directory, 'lab.json'),
    closing: join(directory, 'closing'),
    links: join(directory, 'links.json'),
    runFolder: runFolder!,
    logFolder: logFolder!,
    nodeFolder: nodeFolder!,
    pid: (name) => join(runFolder!, `${name}.pid`),
    ready: (name) => join(runFolder!, `${name}.ready`),
    log: (name) => join(logFolder!, `${name}.log`),
    data: (node) => join(nodeFolder!, node),
  }
}

/** Programs, as URLs of files. */
export interface Programs {
  /** Module that Node loads into each process before its own program. */
  readonly guest: string
  readonly switch: string
  readonly hearsay: string
}

/** The arguments of Node for a process of the lab. */
export function argumentsOf(name: string, record: LabRecord, places: Places, programs: Programs): string[] {
  const guest = new URL(programs.guest)
  guest.search = new URLSearchParams({ lab: places.directory, name }).toString()
  const preload = ['--import', guest.href]
  if (name === switchName) return [...preload, programs.switch, places.directory]
  return [...preload, programs.hearsay, 'daemon', ...daemonFlags(name, places), ...record.flags]
}

function daemonFlags(name: string, places: Places): string[] {
  const network = ['--listen', '/ip4/127.0.0.1/tcp/0', '--mdns=false', '--api', '127.0.0.1:0']
  return ['--data', places.data(name), '--name', name, ...network, '--log-format', 'json']
}

/**
 * The flag that a lab gives to each of its daemons itself, if there is one among these; undefined when there is none.
 */
export function ownFlagIn(flags: readonly string[]): string | undefined {
  const own = ['--data', '--name', '--listen', '--announce', '--join', '--mdns', '--api', '--log-format']
  return own.find((flag) => flags.some((one) => one === flag || one.startsWith(`${flag}=`)))
}

/** The environment of a process of the lab: without what is meant for another daemon. */
export function environmentOf(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isOther = (name: string) => name.startsWith('HEARSAY_') || name === 'NOTIFY_SOCKET'
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !isOther(name)))
}

/** Parts of a daemon's ready line that the lab needs. */
export interface ReadyNode {
  readonly peer: string
  /** Port on which it listens for peers, on the loopback interface. */
  readonly port: number
  /** Its API over TCP. */
  readonly api: string
}

/** Reads what a process has printed so far; undefined until it is ready. */
export function readyNodeOf(printed: string): ReadyNode | undefined {
  const ready = readyLine(printed) as { peer: string; addresses: string[]; api: string[] } | undefined
  if (ready === undefined) return undefined
  const ports = ready.addresses.map((address) => /^\/ip4\/127\.0\.0\.1\/tcp\/(\d+)/.exec(address)?.[1])
  const api = ready.api.find((url) => url.startsWith('http://')) ?? ''
  return { peer: ready.peer, port: Number(ports.find((port) => port !== undefined) ?? 0), api }
}

/** Reads the port of the switch from what it has printed so far; undefined until it is ready. */
export function switchPortOf(printed: string): number | undefined {
  return (readyLine(printed) as { port: number } | undefined)?.port
}

/** The last whole line that says `ready`. */
function readyLine(printed: string): unknown {
  const lines = printed.split('\n').slice(0, -1)
  const line = lines.findLast((one) => one.startsWith('{"msg":"ready"'))
  return line === undefined ? undefined : JSON.parse(line)
}
