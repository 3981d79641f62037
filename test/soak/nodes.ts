/** The nodes of a soak: a lab of real daemons, looked at from outside. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '../../cli/client.js'
import type { Lab } from '../../cli/lab/lab.js'
import { residentAnonymousBytes } from '../bench/support/daemons.js'
import { RawClient } from '../bench/support/load.js'
import { type ShownContents, soakPrefix } from './account.js'
import type { NodeReading } from './judge.js'

const pageItems = 5_000

/** One daemon of the lab. */
export class SoakNode {
  readonly name: string
  readonly #lab: Lab

  constructor(lab: Lab, name: string) {
    this.name = name
    this.#lab = lab
  }

  /** A client that is kept. */
  get client(): Client {
    return this.#lab.client(this.name)
  }

  /** Opens one connection to the Unix socket of the API. */
  connect(): Promise<RawClient> {
    const lines = readFileSync(this.#lab.places.ready(this.name), 'utf8').split('\n')
    const { api } = JSON.parse(lines.find((line) => line.includes('"ready"'))!) as { api: string[] }
    return RawClient.open(api.find((address) => address.startsWith('unix:'))!.slice('unix:'.length))
  }

  /** Reads what the node takes of the machine. */
  async read(): Promise<NodeReading> {
    const pid = Number(readFileSync(this.#lab.places.pid(this.name), 'utf8'))
    const heap = /^nodejs_heap_size_used_bytes (\S+)/m.exec(await this.client.metrics())
    return {
      node: this.name,
      memoryBytes: residentAnonymousBytes(pid),
      heapBytes: Number(heap?.[1]),
      diskBytes: folderBytes(join(this.#lab.places.data(this.name), 'store')),
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
    }
  }

  /** Reads everything that the soak has written. */
  async contents(collections: {
    readonly counters: readonly string[]
    readonly sets: readonly string[]
  }): Promise<ShownContents> {
    const registers = new Map<string, { value: string; siblings: number }>()
    for await (const item of this.client.list({ prefix: soakPrefix, values: true, limit: pageItems })) {
      if (item.types.includes('reg')) registers.set(item.key, { value: item.value ?? '', siblings: item.siblings })
    }
    const counters = new Map<string, number>()
    for (const key of collections.counters) counters.set(key, Number((await this.client.counters.get(key)).value))
    const sets = new Map<string, Set<string>>()
    for (const key of collections.sets) sets.set(key, await this.#members(key))
    return { registers, counters, sets }
  }

  /** Members are text; a set without any is not found. */
  async #members(key: string): Promise<Set<string>> {
    try {
      return new Set((await this.client.sets.members(key)).members.map((member) => String(member)))
    } catch (error) {
      if ((error as { code?: string }).code === 'NOT_FOUND') return new Set()
      throw error
    }
  }
}

/** LevelDB deletes files at any moment. */
function folderBytes(folder: string): number {
  return readdirSync(folder).reduce(
    (sum, file) => sum + (statSync(join(folder, file), { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
}
