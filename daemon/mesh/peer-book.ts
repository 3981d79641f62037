/**
 * Last known addresses of the members: a small file beside the store, so that a node whose store has lost the members'
 * records still finds the mesh that sends them again.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PeerId } from '../../protocols/network.js'
import type { KnownMember } from '../net/supervisor-core.js'
import { writePrivateFile } from '../private-files.js'

const fileName = 'peers.json'
/** Members remembered; of more, those with a record come first. */
export const rememberedMembersMax = 1_024

/** Members and their addresses as last known. */
export class PeerBook {
  readonly #path: string
  readonly #warn: (warning: string) => void
  #members: ReadonlyMap<PeerId, readonly string[]>
  #text: string
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(path: string, members: ReadonlyMap<PeerId, readonly string[]>, warn: (warning: string) => void) {
    this.#path = path
    this.#warn = warn
    this.#members = members
    this.#text = textOf(members)
  }

  /**
   * Reads the book of a data directory. One that cannot be read counts as empty, as it is only a help, and `warn` is
   * called.
   */
  static async load(dataDirectory: string, warn: (warning: string) => void): Promise<PeerBook> {
    const path = join(dataDirectory, fileName)
    try {
      return new PeerBook(path, membersOf(JSON.parse(await readFile(path, 'utf8'))), warn)
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      if (!isMissing) warn(`${path} cannot be read; it is made again from the members' records`)
      return new PeerBook(path, new Map(), warn)
    }
  }

  /**
   * Peers to dial: the members by their records, and those remembered whose record is gone although nobody forgot them.
   */
  dialled(records: readonly KnownMember[], isForgotten: (peer: PeerId) => boolean): KnownMember[] {
    const recorded = new Set(records.map(({ peer }) => peer))
    const lost = [...this.#members].filter(([peer]) => !recorded.has(peer) && !isForgotten(peer))
    return [...records, ...lost.map(([peer, addresses]) => ({ peer, addresses }))]
  }

  /**
   * Remembers the peers that `dialled` names. Resolves when that is on the disk; a disk that fails is reported as a
   * warning.
   */
  remember(members: readonly KnownMember[]): Promise<void> {
    this.#members = new Map(members.slice(0, rememberedMembersMax).map(({ peer, addresses }) => [peer, addresses]))
    const text = textOf(this.#members)
    if (text === this.#text) return Promise.resolve()
    this.#text = text
    const saved = this.#turn.then(() => writePrivateFile(this.#path, text, 'replace'))
    this.#turn = saved.catch((error: Error) => this.#warn(`${this.#path} cannot be written: ${error.message}`))
    return this.#turn as Promise<void>
  }
}

function textOf(members: ReadonlyMap<PeerId, readonly string[]>): string {
  return `${JSON.stringify({ members: Object.fromEntries(members) }, null, 2)}\n`
}

/** Throws when it is no book. */
function membersOf(parsed: unknown): Map<PeerId, readonly string[]> {
  const { members } = parsed as { members: Record<PeerId, unknown> }
  const readable = Object.entries(members).filter((entry): entry is [PeerId, string[]] => isAddresses(entry[1]))
  return new Map(readable.slice(0, rememberedMembersMax))
}

function isAddresses(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((address) => typeof address === 'string')
}
