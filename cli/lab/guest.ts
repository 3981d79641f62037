/**
 * Module that Node loads into each process of a lab before its own program (`--import`): it writes down the process, so
 * that `lab down` finds it whatever happened to the one that started it, and leads a daemon's connections to its peers
 * through the switch of the lab.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import { isMainThread } from 'node:worker_threads'
import { type Places, placesOf, switchName, switchPortOf } from './plan.js'

const { searchParams } = new URL(import.meta.url)
const name = searchParams.get('name') ?? ''
const places = placesOf(searchParams.get('lab') ?? '')

if (isMainThread) {
  register(places)
  if (name !== switchName) redirect(places)
}

/**
 * Writes the number of the process first, then looks at the lab; `lab down` first marks the lab as closing, then reads
 * the numbers. So a process that it does not find will find the mark, and ends before it has done anything.
 */
function register({ pid, record, closing }: Places): void {
  try {
    writeFileSync(pid(name), `${process.pid}\n`, { mode: 0o600 })
    if (existsSync(record) && !existsSync(closing)) return
    rmSync(pid(name), { force: true })
  } catch {
    // The directory is gone.
  }
  process.exit(0)
}

/**
 * Leads connections to the loopback interface to the switch, with one line before all else that names the caller and
 * the port.
 */
function redirect({ ready }: Places): void {
  const connect = net.connect as (...args: unknown[]) => net.Socket
  const dial = (...args: unknown[]): net.Socket => {
    const [target] = args as [Partial<net.TcpNetConnectOpts> | undefined]
    if (typeof target !== 'object' || target.host !== '127.0.0.1' || target.port === undefined) return connect(...args)
    const socket = connect({ ...target, port: switchPort(ready(switchName)) })
    socket.write(`dial ${name} ${target.port}\n`)
    return socket
  }
  Object.assign(net, { connect: dial, createConnection: dial })
  syncBuiltinESMExports()
}

/** Port 1, where nobody listens, while there is no switch: the peer is then unreachable, as with a cut cable. */
function switchPort(ready: string): number {
  try {
    return switchPortOf(readFileSync(ready, 'utf8')) ?? 1
  } catch {
    return 1
  }
}
