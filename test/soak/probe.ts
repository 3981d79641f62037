/** Probes of a soak: the time from a put on one node until it is readable on the others. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Account, soakPrefix } from './account.js'
import { SoakConnection } from './connection.js'
import type { SoakNode } from './nodes.js'

const pollMs = 2

/** Puts a new value on one node after another, each under a key of its own. */
export class Probe {
  readonly #connections: ReadonlyMap<string, SoakConnection>
  readonly #account: Account
  #turn = 0

  constructor(nodes: readonly SoakNode[], account: Account) {
    this.#connections = new Map(nodes.map((node) => [node.name, new SoakConnection(() => node.connect())]))
    this.#account = account
  }

  /**
   * Milliseconds until all these nodes show what the first of them in turn was given; null when `isOver` says so before.
   */
  async lag(names: readonly string[], isOver: () => boolean): Promise<number | null> {
    const from = names[this.#turn++ % names.length]!
    const [key, value] = [`${soakPrefix}probe/${from}`, `${this.#turn}`]
    const path = `/v1/kv/${encodeURIComponent(key)}`
    await this.#connections.get(from)!.write({ method: 'PUT', path, body: value })
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
    for (const connection of this.#connections.values()) connection.close()
  }

  async #read(name: string, path: string): Promise<string | undefined> {
    const { status, body } = await this.#connections.get(name)!.send({ method: 'GET', path })
    return status === 200 ? body.toString() : undefined
  }
}
