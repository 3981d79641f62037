/**
 * Documents: a multi-value register of whole saved documents. Versions are merged at read; an edit supersedes those
 * that it merged, and a delete those that it saw.
 */

import type { DocumentConflict } from '../documents/conflicts.js'
import type { DocumentEdit, DocumentView } from '../documents/document.js'
import { type DocumentEngine, LocalDocuments } from '../documents/engine.js'
import type { JsonObject } from '../documents/json.js'
import { sameJson } from '../documents/layout.js'
import { editAttemptsMax } from '../documents/limits.js'
import { HearsayError } from '../errors.js'
import { type Address, document } from '../model/address.js'
import { type Dot, sameDot } from '../model/dot.js'
import { expiredDots, hasExpired, mergeDots, siblings } from '../model/register.js'
import type { Version } from '../model/update.js'
import type { Access, WriteTurn } from './access.js'
import { type DocumentContext, DocumentTokens, documentAnswer, type WrittenDocument } from './document-tokens.js'
import { DocumentViews } from './document-views.js'
import { type AnswerCodec, dotAnswer, once, recalled } from './once.js'
import { Turns } from './turns.js'
import type { DeleteOptions, OnceOptions, ViewOptions, Written } from './types.js'

/** Document as a read shows it. */
export interface ShownDocument {
  readonly key: string
  readonly json: JsonObject
  /** The token of all versions that were merged, and of what they show. */
  readonly context: string
  /** The dot of the version written last. */
  readonly dot: Dot
  /** Versions that differ; they are shown as one. */
  readonly siblings: number
  /** Number of places inside that hold concurrent values, as listed in `conflicts`. */
  readonly conflictCount: number
  readonly conflicts: readonly DocumentConflict[]
  /** Versions that cannot be read here; they are kept, and no edit supersedes them. */
  readonly unreadable: number
}

/** Options of an edit. */
export interface EditOptions extends ViewOptions, OnceOptions {
  /** Bytes of a saved document; above it TOO_LARGE. */
  readonly bytesMax: number
  /** Only if there is no document; EXISTS otherwise. */
  readonly ifAbsent?: boolean
  /** Only if nothing has come since the context was read; STALE_CONTEXT otherwise. */
  readonly isExact?: boolean
}

const actorBytes = 16

/** Result of an edit: the saved document, its heads, and the dots that it supersedes. */
interface Edited {
  readonly bytes: Uint8Array
  readonly heads: readonly string[]
  readonly superseded: readonly Dot[]
}

/** Ends a write: versions came while the edit was made, and nothing was stored. */
class Overtaken extends Error {}

/**
 * Reads and writes of documents. The engine works elsewhere, so that a large document keeps nobody waiting but who asks
 * for it.
 */
export class Documents {
  readonly #access: Access
  readonly #engine: DocumentEngine
  readonly #tokens: DocumentTokens
  readonly #views: DocumentViews
  /** Edits of one document on this node come one after the other: each sees what the one before it did. */
  readonly #turns = new Turns()

  constructor(access: Access, engine: DocumentEngine = new LocalDocuments()) {
    this.#access = access
    this.#engine = engine
    this.#tokens = new DocumentTokens(access)
    this.#views = new DocumentViews(engine)
  }

  /** Document as a read shows it now; undefined when there is none. Throws DOCUMENT_UNREADABLE, DAMAGED_VALUE. */
  async get(key: string): Promise<ShownDocument | undefined> {
    const versions = this.#live(this.#access.replica.versions(document(key)))
    return versions.length === 0 ? undefined : this.#shown(key, versions, await this.#views.of(versions))
  }

  /**
   * Edits a document, and makes it when there is none (but for RFC 6902: NOT_FOUND). With a context the edit is made to
   * what that read showed, and merged with what came since; without one to what is here now. When what was read cannot
   * be had here, a put is kept beside what is here as a document made concurrently, and a patch is refused with
   * BASE_UNKNOWN. Throws BAD_DOCUMENT, BAD_PATCH, PATCH_FAILED, TOO_LARGE, STALE_CONTEXT, BAD_CONTEXT,
   * RETRY_KEY_REUSED, TOO_BUSY: nothing was stored.
   */
  async edit(key: string, edit: DocumentEdit, options: EditOptions): Promise<Written> {
    const address = document(key)
    const written = await this.#turns.run(key, () => this.#edit(address, edit, options))
    return { dot: written.dot, context: this.#tokens.token(address, { dots: [written.dot], heads: written.heads }) }
  }

  /**
   * Deletes exactly what the context names; without one what can be read here, with `all` also what cannot. An edit
   * unseen by it lives. NOT_FOUND, DOCUMENT_UNREADABLE.
   */
  delete(key: string, options: DeleteOptions & OnceOptions): Promise<Dot> {
    return this.#turns.run(key, () => this.#delete(document(key), options))
  }

  /** JSON that saved versions show together; undefined when none of them can be read. */
  async jsonOf(versions: readonly Uint8Array[]): Promise<JsonObject | undefined> {
    const { merged, json } = await this.#engine.show(versions)
    return merged.length === 0 ? undefined : json
  }

  /**
   * Stores an imported saved document beside what is here, unless what is here holds all of it already; resolves
   * whether it was news. Throws BAD_DOCUMENT when it cannot be read.
   */
  importSaved(key: string, bytes: Uint8Array): Promise<boolean> {
    return this.#turns.run(key, async () => {
      const { live } = await this.#look(document(key), {}, dotAnswer)
      const isHeld = await this.#engine.holds(bytesOf(live), bytes)
      if (isHeld === undefined) {
        throw new HearsayError('BAD_DOCUMENT', `the saved document of "${key}" cannot be read; export it again`)
      }
      if (!isHeld) await this.#access.write(({ transaction }) => transaction.put(document(key), bytes, null, []))
      return !isHeld
    })
  }

  /** Puts imported JSON unless just that is shown; resolves whether it was news. */
  async importJson(key: string, json: JsonObject, bytesMax: number): Promise<boolean> {
    const shown = await this.get(key)
    if (shown !== undefined && sameJson(shown.json, json)) return false
    await this.edit(key, { put: json }, { bytesMax })
    return true
  }

  /** The edit is made outside of the write, and stored when nothing has come meanwhile; else it is made again. */
  async #edit(address: Address, edit: DocumentEdit, options: EditOptions): Promise<WrittenDocument> {
    for (let attempt = 1; ; attempt++) {
      const { earlier, live } = await this.#look(address, options, documentAnswer)
      if (earlier !== undefined) return earlier
      const base = this.#tokens.read(address, options.context)
      checkView(address, live, base, options)
      const edited = await this.#edited(address.key, live, edit, base)
      if (edited.bytes.length > options.bytesMax) throw tooLarge(edited.bytes.length, options.bytesMax)
      // What comes faster than the edit can be made is left beside it, and merged at the next read: nothing is lost
      // either way.
      const isLast = attempt === editAttemptsMax
      try {
        return await this.#access.write((turn) =>
          once(turn, options, documentAnswer, () => {
            const now = this.#live(turn.transaction.versions(address))
            if (!isLast && !sameVersions(now, live)) throw new Overtaken()
            checkView(address, now, base, options)
            return this.#store(turn, address, edited)
          }),
        )
      } catch (error) {
        if (!(error instanceof Overtaken)) throw error
      }
    }
  }

  #store({ transaction }: WriteTurn, address: Address, { bytes, heads, superseded }: Edited): WrittenDocument {
    const expired = expiredDots(transaction.versions(address), transaction.expiredByMs)
    return { dot: transaction.put(address, bytes, null, mergeDots(superseded, expired)), heads }
  }

  async #edited(
    key: string,
    live: readonly Version[],
    edit: DocumentEdit,
    base: DocumentContext | undefined,
  ): Promise<Edited> {
    const actor = this.#access.replica.environment.randomBytes(actorBytes)
    const result = await this.#engine.edit({ versions: bytesOf(live), edit, heads: base?.heads, actor })
    switch (result.kind) {
      case 'edited':
        return { ...result, superseded: result.merged.map((at) => live[at]!.dot) }
      case 'alone':
        // What the writer had in view is not here, or not any more: what was put stands for that, and for nothing else.
        return { ...result, superseded: base?.dots ?? [] }
      case 'baseUnknown':
        throw new HearsayError(
          'BASE_UNKNOWN',
          'this node does not have what the context was read from; read the document here, then patch it with the context of that answer',
        )
      case 'nothing':
        throw absent(key, live.length)
    }
  }

  async #delete(address: Address, options: DeleteOptions & OnceOptions): Promise<Dot> {
    const { earlier, live } = await this.#look(address, options, dotAnswer)
    if (earlier !== undefined) return earlier
    if (live.length === 0) throw absent(address.key, 0)
    const context = this.#tokens.read(address, options.context)?.dots
    const seen = context ?? (options.all === true ? live.map(({ dot }) => dot) : await this.#readable(live))
    if (seen.length === 0) throw absent(address.key, live.length)
    return this.#access.write((turn) =>
      once(turn, options, dotAnswer, () => {
        const { transaction } = turn
        const all = transaction.versions(address)
        if (this.#live(all).length === 0) throw absent(address.key, 0)
        return transaction.remove(address, mergeDots(seen, expiredDots(all, transaction.expiredByMs)))
      }),
    )
  }

  async #readable(live: readonly Version[]): Promise<Dot[]> {
    const { merged } = await this.#views.of(live)
    return merged.map((at) => live[at]!.dot)
  }

  /** Reads the live versions for a write, and the answer of an earlier request with the same retry key. */
  #look<T>(address: Address, options: OnceOptions, codec: AnswerCodec<T>) {
    return this.#access.write((turn) => ({
      earlier: recalled(turn, options, codec),
      live: this.#live(turn.transaction.versions(address)),
    }))
  }

  #shown(key: string, versions: readonly Version[], view: DocumentView): ShownDocument {
    const { json, conflicts, heads, leftOut } = view
    if (view.merged.length === 0) throw absent(key, versions.length)
    const merged = view.merged.map((at) => versions[at]!)
    const groups = siblings(merged, this.#access.replica.clock.display())
    const dots = merged.map(({ dot }) => dot)
    return {
      key,
      json,
      context: this.#tokens.token(document(key), { dots, heads }),
      dot: groups[0]!.version.dot,
      siblings: groups.length,
      conflictCount: conflicts.length,
      conflicts,
      unreadable: leftOut.length,
    }
  }

  #live(versions: readonly Version[]): Version[] {
    const { nowMs } = this.#access.replica.clock.display()
    return versions.filter((version) => !hasExpired(version, nowMs))
  }
}

function bytesOf(versions: readonly Version[]): Uint8Array[] {
  return versions.map(({ value }) => value)
}

function sameVersions(some: readonly Version[], others: readonly Version[]): boolean {
  return some.length === others.length && some.every(({ dot }, at) => sameDot(dot, others[at]!.dot))
}

/** Refuses an edit of what is not as its writer wants it to be. */
function checkView(
  address: Address,
  live: readonly Version[],
  base: DocumentContext | undefined,
  options: EditOptions,
): void {
  if (options.isExact === true) checkExact(address, live, base)
  if (options.ifAbsent !== true || live.length === 0) return
  throw new HearsayError('EXISTS', `document "${address.key}" exists; nothing was stored`)
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
  const message = `no version of document "${key}" can be read here; it is kept as it is, and another node may read it`
  return new HearsayError('DOCUMENT_UNREADABLE', message, { unreadable })
}

function tooLarge(bytes: number, bytesMax: number): HearsayError {
  const message = `the document would take ${bytes} bytes with its history, the limit is ${bytesMax}; nothing was stored. Delete it and put it again, which drops its history, or split it over several keys`
  return new HearsayError('TOO_LARGE', message, { limit: bytesMax })
}
