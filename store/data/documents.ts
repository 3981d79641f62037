/**
 * Documents: a multi-value register of whole saved documents. Versions are merged at read; an edit supersedes those that it merged, and a
 * delete those that it saw.
 */

import type { DocumentConflict } from '../documents/conflicts.js'
import { type DocumentEdit, OpenDocument } from '../documents/document.js'
import type { JsonObject } from '../documents/json.js'
import { sameJson } from '../documents/layout.js'
import { type DocumentLibrary, loadDocumentLibrary } from '../documents/library.js'
import { HearsayError } from '../errors.js'
import { type Address, document } from '../model/address.js'
import { type Dot, sameDot } from '../model/dot.js'
import { expiredDots, hasExpired, mergeDots, siblings } from '../model/register.js'
import type { Version } from '../model/update.js'
import type { Access, Turn } from './access.js'
import { type DocumentContext, DocumentTokens, documentAnswer, type WrittenDocument } from './document-tokens.js'
import { dotAnswer, once } from './once.js'
import type { DeleteOptions, OnceOptions, ViewOptions, Written } from './types.js'

/** What a read of a document shows. */
export interface ShownDocument {
  readonly key: string
  readonly json: JsonObject
  /** The token of all versions that were merged, and of what they show. */
  readonly context: string
  /** The dot of the version written last. */
  readonly dot: Dot
  /** Versions that differ; they are shown as one. */
  readonly siblings: number
  /** How many places inside hold concurrent values; listed when asked for. */
  readonly conflictCount: number
  readonly conflicts: readonly DocumentConflict[]
  /** Versions that cannot be read here; they are kept, and no edit supersedes them. */
  readonly unreadable: number
}

/** How an edit is done. */
export interface EditOptions extends ViewOptions, OnceOptions {
  /** Bytes of a saved document; above it TOO_LARGE. */
  readonly bytesMax: number
  /** Only if there is no document; EXISTS otherwise. */
  readonly ifAbsent?: boolean
  /** Only if nothing has come since the context was read; STALE_CONTEXT otherwise. */
  readonly isExact?: boolean
}

const actorBytes = 16

/** Reads and writes of documents. */
export class Documents {
  readonly #access: Access
  readonly #tokens: DocumentTokens

  constructor(access: Access) {
    this.#access = access
    this.#tokens = new DocumentTokens(access)
  }

  /** What a read shows now; undefined when there is nothing. Throws DOCUMENT_UNREADABLE, DAMAGED_VALUE. */
  async get(key: string): Promise<ShownDocument | undefined> {
    if (this.#live(this.#access.replica.versions(document(key))).length === 0) return undefined
    const library = await loadDocumentLibrary()
    const versions = this.#live(this.#access.replica.versions(document(key)))
    if (versions.length === 0) return undefined
    return this.#opened(library, versions, (open) => this.#shown(key, versions, open))
  }

  /**
   * Edits a document, and makes it when there is none (but for RFC 6902: NOT_FOUND). With a context the edit is made to what that read
   * showed, and merged with what came since; without one to what is here now. When what was read cannot be had here, a put is kept beside
   * what is here as a document made concurrently, and a patch is refused with BASE_UNKNOWN.
   * Throws BAD_DOCUMENT, BAD_PATCH, PATCH_FAILED, TOO_LARGE, STALE_CONTEXT, BAD_CONTEXT, RETRY_KEY_REUSED: nothing was stored.
   */
  async edit(key: string, edit: DocumentEdit, options: EditOptions): Promise<Written> {
    const library = await loadDocumentLibrary()
    const address = document(key)
    const written = await this.#access.write((turn) =>
      once(turn, options, documentAnswer, () => this.#editIn(turn, library, address, edit, options)),
    )
    return { dot: written.dot, context: this.#tokens.token(address, { dots: [written.dot], heads: written.heads }) }
  }

  /**
   * Deletes exactly what the context names; without one what can be read here, with `all` also what cannot. An edit unseen by it lives.
   * NOT_FOUND, DOCUMENT_UNREADABLE.
   */
  async delete(key: string, options: DeleteOptions & OnceOptions): Promise<Dot> {
    const library = await loadDocumentLibrary()
    return this.#access.write((turn) =>
      once(turn, options, dotAnswer, () => this.#deleteIn(turn, library, document(key), options)),
    )
  }

  /** What saved versions show together; undefined when none of them can be read. */
  async jsonOf(versions: readonly Uint8Array[]): Promise<JsonObject | undefined> {
    const library = await loadDocumentLibrary()
    return this.#openedBytes(library, versions, (open) => (open.merged.length === 0 ? undefined : open.json()))
  }

  /**
   * Stores an imported saved document beside what is here, unless what is here holds all of it already; resolves whether it was news.
   * Throws BAD_DOCUMENT when it cannot be read.
   */
  async importSaved(key: string, bytes: Uint8Array): Promise<boolean> {
    const library = await loadDocumentLibrary()
    const heads = this.#openedBytes(library, [bytes], (open) => (open.merged.length === 0 ? undefined : open.heads()))
    if (heads === undefined) {
      throw new HearsayError('BAD_DOCUMENT', `the saved document of "${key}" cannot be read; export it again`)
    }
    return this.#access.write(({ transaction }) => {
      const live = this.#live(transaction.versions(document(key)))
      if (live.length > 0 && this.#opened(library, live, (open) => open.knows(heads))) return false
      transaction.put(document(key), bytes, null, [])
      return true
    })
  }

  /** Puts imported JSON unless just that is shown; resolves whether it was news. */
  async importJson(key: string, json: JsonObject, bytesMax: number): Promise<boolean> {
    const shown = await this.get(key)
    if (shown !== undefined && sameJson(shown.json, json)) return false
    await this.edit(key, { put: json }, { bytesMax })
    return true
  }

  #editIn(
    turn: Turn,
    library: DocumentLibrary,
    address: Address,
    edit: DocumentEdit,
    options: EditOptions,
  ): WrittenDocument {
    const { transaction } = turn
    const all = transaction.versions(address)
    const live = this.#live(all)
    const base = this.#tokens.read(address, options.context)
    if (options.isExact === true) checkExact(address, live, base)
    if (options.ifAbsent === true && live.length > 0) {
      throw new HearsayError('EXISTS', `document "${address.key}" exists; leave out --if-absent to edit it`)
    }
    const { bytes, heads, superseded } = this.#edited(library, live, edit, base, address.key)
    if (bytes.length > options.bytesMax) throw tooLarge(bytes.length, options.bytesMax)
    const dot = transaction.put(address, bytes, null, mergeDots(superseded, expiredDots(all, transaction.nowMs)))
    return { dot, heads }
  }

  #edited(
    library: DocumentLibrary,
    live: readonly Version[],
    edit: DocumentEdit,
    base: DocumentContext | undefined,
    key: string,
  ): { bytes: Uint8Array; heads: string[]; superseded: readonly Dot[] } {
    return this.#opened(library, live, (open) => {
      if (base !== undefined && !open.knows(base.heads)) return this.#besides(library, edit, base)
      if ('operations' in edit && open.merged.length === 0) throw absent(key, live.length)
      const bytes = open.edit(edit, base?.heads)
      return { bytes, heads: open.heads(), superseded: open.merged.map((at) => live[at]!.dot) }
    })
  }

  /** What the writer had in view is not here (or not any more): the whole that was put stands for it, and for nothing else. */
  #besides(library: DocumentLibrary, edit: DocumentEdit, base: DocumentContext) {
    if (!('put' in edit)) {
      throw new HearsayError(
        'BASE_UNKNOWN',
        'this node does not have what the context was read from; read the document here, then patch it with the context of that answer',
      )
    }
    return this.#opened(library, [], (open) => ({ bytes: open.edit(edit), heads: open.heads(), superseded: base.dots }))
  }

  #deleteIn({ transaction }: Turn, library: DocumentLibrary, address: Address, options: DeleteOptions): Dot {
    const all = transaction.versions(address)
    const live = this.#live(all)
    if (live.length === 0) throw absent(address.key, 0)
    const context = this.#tokens.read(address, options.context)?.dots
    const seen = context ?? (options.all === true ? live.map(({ dot }) => dot) : this.#readable(library, live))
    if (seen.length === 0) throw absent(address.key, live.length)
    return transaction.remove(address, mergeDots(seen, expiredDots(all, transaction.nowMs)))
  }

  #readable(library: DocumentLibrary, live: readonly Version[]): Dot[] {
    return this.#opened(library, live, ({ merged }) => merged.map((at) => live[at]!.dot))
  }

  #shown(key: string, versions: readonly Version[], open: OpenDocument): ShownDocument {
    if (open.merged.length === 0) throw absent(key, versions.length)
    const merged = open.merged.map((at) => versions[at]!)
    const groups = siblings(merged, this.#access.replica.displayClock())
    const conflicts = open.conflicts()
    const dots = merged.map(({ dot }) => dot)
    return {
      key,
      json: open.json(),
      context: this.#tokens.token(document(key), { dots, heads: open.heads() }),
      dot: groups[0]!.version.dot,
      siblings: groups.length,
      conflictCount: conflicts.length,
      conflicts,
      unreadable: open.leftOut.length,
    }
  }

  #live(versions: readonly Version[]): Version[] {
    const { nowMs } = this.#access.replica.displayClock()
    return versions.filter((version) => !hasExpired(version, nowMs))
  }

  /** Opens versions under an author of its own, so that no two edits ever share one. */
  #opened<T>(library: DocumentLibrary, versions: readonly Version[], use: (open: OpenDocument) => T): T {
    return this.#openedBytes(
      library,
      versions.map(({ value }) => value),
      use,
    )
  }

  #openedBytes<T>(library: DocumentLibrary, saved: readonly Uint8Array[], use: (open: OpenDocument) => T): T {
    const open = OpenDocument.open(library, saved, this.#access.replica.randomBytes(actorBytes))
    try {
      return use(open)
    } finally {
      open.close()
    }
  }
}

function checkExact(address: Address, live: readonly Version[], base: DocumentContext | undefined): void {
  const dots = base?.dots ?? []
  if (live.length === dots.length && live.every(({ dot }) => dots.some((other) => sameDot(other, dot)))) return
  throw new HearsayError(
    'STALE_CONTEXT',
    `"${address.key}" has changed since it was read; read it again and redo the edit`,
  )
}

function absent(key: string, unreadable: number): HearsayError {
  if (unreadable === 0) return new HearsayError('NOT_FOUND', `there is no document "${key}"`)
  const message = `no version of document "${key}" can be read here; another node may read it, 'hearsay doc del --all' removes it`
  return new HearsayError('DOCUMENT_UNREADABLE', message, { unreadable })
}

function tooLarge(bytes: number, bytesMax: number): HearsayError {
  const message = `the document would take ${bytes} bytes with its history, the limit is ${bytesMax}; split it over several keys; nothing was stored`
  return new HearsayError('TOO_LARGE', message, { limit: bytesMax })
}
