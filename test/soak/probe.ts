/** Probes of a soak: the time from a put on one node until it is readable on the others. */
import { setTimeout as pause } from 'node:timers/promises'
import { getRequest, type RawClient } from '../bench/support/load.js'
import { type Account, soakPrefix } from './account.js'
import type { SoakNode } from './nodes.js'
import { request } from './writer.js'

const pollMs = 2

/** Puts a new value on one node after another, each under a key of its own. */
export class Probe {
  readonly #clients: ReadonlyMap<string, RawClient>
  readonly #account: Account
  #turn = 0

  private constructor(clients: ReadonlyMap<string, RawClient>, account: Account) {
    this.#clients = clients
    this.#account = account
  }

  /** Connects to every node. */
  static async at(nodes: readonly SoakNode[], account: Account): Promise<Probe> {
    const clients = await Promise.all(nodes.map(async (node) => [node.name, await node.connect()] as const))
    return new Probe(new Map(clients), account)
  }

  /**
   * Milliseconds until all these nodes show what the first of them in turn was given; null when `isOver` says so before.
   */
  async lag(names: readonly string[], isOver: () => boolean): Promise<number | null> {
    const from = names[this.#turn++ % names.length]!
    const [key, value] = [`${soakPrefix}probe/${from}`, `${this.#turn}`]
    const path = `/v1/kv/${encodeURIComponent(key)}`
    await request(this.#clients.get(from)!, { method: 'PUT', path, body: value })
    this.#account.put(key, value)
    const startMs = performance.now()
    for (const name of names) {
      while ((await this.#read(name, path)) !== value) {
        if (isOver()) return null
        await pause(pollMs)
      }
    }
    return performance.now() - startMs
  }

  /** Closes the connections. */
  close(): void {
    for (const client of this.#clients.values()) client.close()
  }

  async #read(name: string, path: string): Promise<string | undefined> {
    const { status, body } = await this.#clients.get(name)!.send(getRequest(path))
    return status === 200 ? body.toString() : undefined
  }
}
