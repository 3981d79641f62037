/** A TCP proxy that stands in for a long or slow link: it delays both directions by half a round trip each, and limits their rates. */
import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net'

/** What the link is like. */
export interface Link {
  readonly roundTripMs?: number
  /** Bytes a second in each direction, over all connections; unlimited when absent. */
  readonly bytesPerSecond?: number
}

/** Bytes that may be on their way in one direction of one connection before its sender is held up. */
const bytesOnTheWayMax = 256 * 1024

interface Waiting {
  readonly atMs: number
  /** Undefined: the end of the direction. */
  readonly bytes: Buffer | undefined
}

/** A proxy on a free port of the loopback interface. */
export class DelayingProxy {
  /** Where to connect to. */
  readonly port: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
  }

  /** Listens; connects on to a port of the loopback interface, which is asked for at each connection. */
  static async listen(
    targetPort: () => number,
    { roundTripMs = 0, bytesPerSecond }: Link = {},
  ): Promise<DelayingProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const proxy = new DelayingProxy(server)
    const there = new Wire(roundTripMs / 2, bytesPerSecond)
    const back = new Wire(roundTripMs / 2, bytesPerSecond)
    server.on('connection', (near) => {
      const far = createConnection({ port: targetPort(), host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
      proxy.#keep(near, far)
      carry(near, far, there)
      carry(far, near, back)
    })
    return proxy
  }

  /** How many connections stand. */
  get connections(): number {
    return this.#sockets.size / 2
  }

  /** Ends every connection, in order (as a process that exits does) or by a reset. */
  break(how: 'in order' | 'reset'): void {
    for (const socket of this.#sockets) {
      if (how === 'in order') socket.end()
      else socket.resetAndDestroy()
    }
  }

  /** Breaks every connection and takes no more. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  /** Both halves of a connection live and die together. */
  #keep(near: Socket, far: Socket): void {
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        this.#sockets.delete(socket)
        if (!other.writableEnded) other.destroy()
      })
    }
  }
}

/** One direction of the link: bytes leave one after the other at its rate, and arrive half a round trip later. */
class Wire {
  #freeMs = 0

  constructor(
    private readonly delayMs: number,
    private readonly bytesPerSecond: number | undefined,
  ) {}

  /** When bytes that are sent now arrive. */
  arrivalMs(bytes: number): number {
    const leavingMs = this.bytesPerSecond === undefined ? 0 : (bytes / this.bytesPerSecond) * 1000
    this.#freeMs = Math.max(this.#freeMs, performance.now()) + leavingMs
    return this.#freeMs + this.delayMs
  }
}

/** Carries what one socket receives to another, in order, each piece when it is due. */
function carry(from: Socket, to: Socket, wire: Wire): void {
  const waiting: Waiting[] = []
  let onTheWay = 0
  let timer: NodeJS.Timeout | undefined
  const isFull = () => onTheWay > bytesOnTheWayMax || to.writableNeedDrain
  const deliver = () => {
    timer = undefined
    while (waiting[0] !== undefined && waiting[0].atMs <= performance.now()) {
      const { bytes } = waiting.shift()!
      if (bytes === undefined) to.end()
      else if (to.writable) to.write(bytes)
      onTheWay -= bytes?.length ?? 0
    }
    if (!isFull()) from.resume()
    wait()
  }
  const wait = () => {
    if (timer === undefined && waiting[0] !== undefined) {
      timer = setTimeout(deliver, Math.max(0, waiting[0].atMs - performance.now()))
    }
  }
  const send = (bytes: Buffer | undefined) => {
    waiting.push({ atMs: wire.arrivalMs(bytes?.length ?? 0), bytes })
    onTheWay += bytes?.length ?? 0
    if (isFull()) from.pause()
    wait()
  }
  from.on('data', send)
  from.on('end', () => send(undefined))
  to.on('drain', () => {
    if (!isFull()) from.resume()
  })
  to.on('close', () => clearTimeout(timer))
}
