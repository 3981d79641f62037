/**
 * Peers that this node's operator has blocked: a small file in the data directory, so that the list survives a restart.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PeerId } from '../../protocols/network.js'
import { writePrivateFile } from '../private-files.js'

const fileName = 'blocked.json'

/** The blocked peers. */
export class BlockList {
  readonly #path: string
  #peers: ReadonlySet<PeerId>
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(path: string, peers: ReadonlySet<PeerId>) {
    this.#path = path
    this.#peers = peers
  }

  /** Reads the list of a data directory. A file that cannot be read counts as empty, and `warn` is called. */
  static async load(dataDirectory: string, warn: (warning: string) => void): Promise<BlockList> {
    const path = join(dataDirectory, fileName)
    try {
      const { peers } = JSON.parse(await readFile(path, 'utf8')) as { peers: PeerId[] }
      return new BlockList(path, new Set(peers.filter((peer) => typeof peer === 'string')))
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      if (!isMissing) warn(`${path} cannot be read, so nobody is blocked; block again, or delete it`)
      return new BlockList(path, new Set())
    }
  }

  /** The peer ids. */
  get peers(): PeerId[] {
    return [...this.#peers]
  }

  /** True if a peer is blocked. */
  has(peer: PeerId): boolean {
    return this.#peers.has(peer)
  }

  /** Blocks more peers, durably. */
  add(peers: readonly PeerId[]): Promise<void> {
    return this.#save(() => new Set([...this.#peers, ...peers]))
  }

  /** Lifts blocks, durably; all when absent. */
  remove(peers?: readonly PeerId[]): Promise<void> {
    return this.#save(
      () => new Set(peers === undefined ? [] : [...this.#peers].filter((peer) => !peers.includes(peer))),
    )
  }

  /** The list changes at once; two changes are written one after the other. */
  #save(change: () => ReadonlySet<PeerId>): Promise<void> {
    this.#peers = change()
    const saved = this.#turn.then(() =>
      writePrivateFile(this.#path, `${JSON.stringify({ peers: this.peers }, null, 2)}\n`, 'replace'),
    )
    this.#turn = saved.catch(() => {})
    return saved
  }
}
