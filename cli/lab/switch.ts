/**
 * The switch of a lab: every connection between its nodes goes through it, so that links can be cut and slowed down
 * without root.
 */
import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net'
import { connectionsMax, heldBytesMax, requestLineBytesMax, requestLineMs } from './limits.js'
import { type Links, linkBetween } from './links.js'
import { carry, Wire } from './wire.js'

/** Parts of a lab that its switch needs. */
export interface SwitchOptions {
  /** Reads the state of the links. Throws when it cannot. */
  links(): Links
  /** The node that listens on a port at this moment; undefined when none does. */
  nodeAt(port: number): string | undefined
}

/** A connection from a node to another, carried or, while their link is cut, held. */
interface Dial {
  readonly from: string
  readonly to: string
  readonly port: number
  readonly near: Socket
  /** Undefined while the dial is held. */
  far?: Socket
  /** Ends the holding; returns the bytes that came meanwhile. */
  release?: () => Buffer
}

/** The switch. Its links are read at the start and at each request to do so. */
export class Switch {
  readonly #options: SwitchOptions
  readonly #server: Server
  readonly #dials = new Set<Dial>()
  #links: Links

  private constructor(options: SwitchOptions, server: Server) {
    this.#options = options
    this.#server = server
    this.#links = options.links()
  }

  /** Listens on a free port of the loopback interface. */
  static async listen(options: SwitchOptions): Promise<Switch> {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true })
    server.maxConnections = connectionsMax
    const made = new Switch(options, server)
    server.on('connection', (socket) => void made.#accept(socket))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return made
  }

  /** The port that it listens on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Connections that are carried now. */
  get carried(): number {
    return [...this.#dials].filter(({ far }) => far !== undefined).length
  }

  /** Breaks every connection and takes no more. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const { near, far } of this.#dials) {
      near.destroy()
      far?.destroy()
    }
    await closed
  }

  /**
   * Reads the links again: what is cut now breaks at once, and dials that were held for a link that is open again go
   * on.
   */
  reload(): void {
    this.#links = this.#options.links()
    for (const dial of this.#dials) {
      const isCut = this.#isCut(dial)
      if (isCut && dial.far !== undefined) breakOff(dial)
      else if (!isCut && dial.far === undefined) this.#connect(dial)
    }
  }

  async #accept(socket: Socket): Promise<void> {
    socket.on('error', () => socket.destroy())
    const request = await requestLine(socket)
    const [word, from = '', port = ''] = request?.line.split(' ') ?? []
    if (request !== undefined && word === 'dial') this.#dial(socket, from, Number(port), request.rest)
    else if (word === 'reload') this.#answer(socket)
    else socket.destroy()
  }

  #answer(socket: Socket): void {
    try {
      this.reload()
      socket.end('done\n')
    } catch (error) {
      socket.end(`failed: ${(error as Error).message}\n`)
    }
  }

  #dial(near: Socket, from: string, port: number, first: Buffer): void {
    const to = this.#options.nodeAt(port)
    if (to === undefined || near.destroyed) return void near.destroy()
    const dial: Dial = { from, to, port, near, release: hold(near, first) }
    this.#dials.add(dial)
    near.on('close', () => {
      this.#dials.delete(dial)
      dial.far?.destroy()
    })
    if (!this.#isCut(dial)) this.#connect(dial)
  }

  #connect(dial: Dial): void {
    const { near, port, from, to } = dial
    const first = dial.release?.() ?? Buffer.alloc(0)
    const far = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    dial.far = far
    far.on('error', () => far.destroy())
    far.on('close', () => near.destroy())
    const wire = () =>
      new Wire({
        slowness: () => linkBetween(this.#links, from, to),
        random: Math.random,
        nowMs: () => performance.now(),
      })
    carry(near, far, wire())
    carry(far, near, wire())
    if (first.length > 0) near.unshift(first)
    near.resume()
  }

  #isCut({ from, to }: Dial): boolean {
    return linkBetween(this.#links, from, to).isCut
  }
}

/**
 * Keeps what a caller sends until it can be carried; a caller that gives up, or sends more than a handshake, is
 * disconnected.
 */
function hold(socket: Socket, first: Buffer): () => Buffer {
  let held = first
  const keep = (bytes: Buffer) => {
    held = Buffer.concat([held, bytes])
    if (held.length > heldBytesMax) socket.destroy()
  }
  const giveUp = () => void socket.destroy()
  socket.on('data', keep).on('end', giveUp).resume()
  return () => {
    socket.off('data', keep).off('end', giveUp).pause()
    return held
  }
}

/** Resets both ends of a connection, so that they learn at once that it is gone. */
function breakOff({ near, far }: Dial): void {
  for (const socket of [near, far]) socket?.resetAndDestroy()
}

/** Reads the first line and what came behind it, and leaves the socket paused; undefined when none comes in time. */
function requestLine(socket: Socket): Promise<{ line: string; rest: Buffer } | undefined> {
  return new Promise((resolve) => {
    let read = Buffer.alloc(0)
    const end = (found?: { line: string; rest: Buffer }) => {
      clearTimeout(overdue)
      socket.off('data', take).pause()
      resolve(found)
    }
    const take = (bytes: Buffer) => {
      read = Buffer.concat([read, bytes])
      const at = read.subarray(0, requestLineBytesMax).indexOf('\n')
      if (at >= 0) end({ line: read.subarray(0, at).toString(), rest: read.subarray(at + 1) })
      else if (read.length >= requestLineBytesMax) end()
    }
    const overdue = setTimeout(end, requestLineMs)
    socket.on('data', take).once('close', () => end())
    socket.resume()
  })
}
