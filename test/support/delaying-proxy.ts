/**
 * A TCP proxy that stands in for a long or slow link: it delays both directions by half a round trip each, and limits
 * their rates.
 */
import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net'
import { carry, Wire } from '../../cli/lab/wire.js'

/** Properties of the link. */
export interface DelayedLink {
  readonly roundTripMs?: number
  /** Bytes a second in each direction, over all connections; unlimited when absent. */
  readonly bytesPerSecond?: number
}

/** A proxy on a free port of the loopback interface. */
export class DelayingProxy {
  /** Port to connect to. */
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
    { roundTripMs = 0, bytesPerSecond }: DelayedLink = {},
  ): Promise<DelayingProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const proxy = new DelayingProxy(server)
    const slowness = { delayMs: roundTripMs / 2, ...(bytesPerSecond !== undefined && { bytesPerSecond }) }
    const wire = () => new Wire({ slowness: () => slowness, random: () => 1, nowMs: () => performance.now() })
    const [there, back] = [wire(), wire()]
    server.on('connection', (near) => {
      const far = createConnection({ port: targetPort(), host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
      proxy.#keep(near, far)
      carry(near, far, there)
      carry(far, near, back)
    })
    return proxy
  }

  /** Number of open connections. */
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

  /** Ties both halves of a connection together: when one ends, so does the other. */
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
