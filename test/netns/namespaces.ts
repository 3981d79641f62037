/**
 * Network namespaces of one test run: named after the process that made them, and removed however that process ends.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

const prefix = 'hearsay'
/** Where `ip`, `nft` and `tc` are, also for a user whose path leaves the system's programs out. */
export const toolPath = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`
const env = { ...process.env, PATH: toolPath }
let made = 0

/**
 * Ends what runs in the namespaces that it is given, and removes them. Waits for the end of its input first, which
 * comes when the test closes it, and also when the test's process is killed.
 */
const guardianScript = `cat >/dev/null
for name; do
  for process in $(ip netns pids "$name" 2>/dev/null); do kill -KILL "$process"; done
  ip netns delete "$name" 2>/dev/null
done
true`

/** Runs a program of the system; resolves with what it printed, rejects with what it complained of. */
export function tool(command: readonly string[], stdin = ''): Promise<string> {
  const [program, ...args] = command
  return new Promise((resolve, reject) => {
    const child = execFile(program!, args, { env }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${command.join(' ')}: ${stderr.trim() || error.message}\n${stdin}`))
    })
    child.stdin!.on('error', () => {})
    child.stdin!.end(stdin)
  })
}

/** Namespaces that are made together and removed together. */
export class Namespaces {
  readonly #names: ReadonlyMap<string, string>
  readonly #guardian: ChildProcess

  private constructor(names: ReadonlyMap<string, string>, guardian: ChildProcess) {
    this.#names = names
    this.#guardian = guardian
  }

  /** Makes empty namespaces, after those that a killed process has left are gone. */
  static async create(labels: readonly string[]): Promise<Namespaces> {
    await sweep()
    const group = `${prefix}-${process.pid}-${startOf(process.pid)}-${++made}`
    const names = new Map(labels.map((label) => [label, `${group}-${label}`]))
    const namespaces = new Namespaces(names, guard([...names.values()]))
    try {
      for (const name of names.values()) await tool(['ip', 'netns', 'add', name])
      return namespaces
    } catch (error) {
      await namespaces.end()
      throw error
    }
  }

  /** The full name of a namespace. */
  name(label: string): string {
    const name = this.#names.get(label)
    if (name === undefined) throw new Error(`there is no namespace ${label}`)
    return name
  }

  /** Ends what still runs inside and removes all. */
  async end(): Promise<void> {
    const closed = once(this.#guardian, 'close')
    this.#guardian.stdin!.end()
    await closed
  }
}

/** In a process group of its own, so that what interrupts the test does not interrupt the cleaning. */
function guard(names: readonly string[]): ChildProcess {
  return spawn('sh', ['-c', guardianScript, 'guardian', ...names], {
    env,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
}

/** Removes namespaces whose maker is gone, and whose guardian was killed as well. */
async function sweep(): Promise<void> {
  const listed = (await tool(['ip', 'netns', 'list'])).split('\n').map((line) => line.split(' ')[0]!)
  const stale = listed.filter((name) => {
    const [, maker, start] = new RegExp(`^${prefix}-(\\d+)-(\\d+)-`).exec(name) ?? []
    return maker !== undefined && startOf(Number(maker)) !== start
  })
  if (stale.length === 0) return
  const guardian = guard(stale)
  guardian.stdin!.end()
  await once(guardian, 'close')
}

/**
 * When a process was started, in the kernel's own unit: with it an id that is used again is told apart. Undefined:
 * there is none.
 */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .at(19)
  } catch {
    return undefined
  }
}

/** Why there can be no namespaces here; undefined when one was made, a rule put in, and removed again. */
function whyImpossible(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux'
  if (process.getuid?.() !== 0) return 'needs root to make network namespaces'
  const name = `${prefix}-${process.pid}-${startOf(process.pid)}-0-probe`
  const inside = ['ip', 'netns', 'exec', name]
  const rule =
    'table bridge probe { chain forward { type filter hook forward priority 0; numgen random mod 2 0 drop; }; }'
  try {
    probe(['ip', 'netns', 'add', name])
    try {
      probe(['ip', '-n', name, 'link', 'add', 'port', 'type', 'veth', 'peer', 'name', 'eth0'])
      probe(['ip', '-n', name, 'link', 'add', 'switch', 'type', 'bridge'])
      probe([...inside, 'nft', rule])
      probe([
        ...inside,
        'tc',
        'qdisc',
        'add',
        'dev',
        'port',
        'root',
        'tbf',
        'rate',
        '1mbit',
        'burst',
        '16kb',
        'latency',
        '1s',
      ])
    } finally {
      probe(['ip', 'netns', 'delete', name])
    }
    return undefined
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer }
    return `iproute2, nftables or the kernel: ${(stderr?.toString().trim() || message).split('\n')[0]}`
  }
}

function probe([program, ...args]: string[]): void {
  execFileSync(program!, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
}

const impossible = whyImpossible()
/** True if real partitions can be made on this machine. */
export const canPartition = impossible === undefined
/** For the name of a test that needs them. */
export const skipReason = canPartition ? '' : ` (skipped: ${impossible})`
