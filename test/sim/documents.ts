/**
 * The account of all documents: every edit sets a field of its own, so that what a state must show follows from which edits it holds. It
 * knows nothing of how documents are merged; which edits a version holds it follows through what each superseded.
 */
import type { ShownDocument } from '../../store/data/documents.js'
import { type DocumentEngine, type EditRequest, LocalDocuments } from '../../store/documents/engine.js'
import { documentSiblingsMax } from '../../store/documents/limits.js'
import type { Environment } from '../../store/environment.js'
import { valueHash } from '../../store/model/digest.js'
import { type Dot, dotText } from '../../store/model/dot.js'
import { Violation } from './violation.js'

/** The longest that a document is worked on, in virtual milliseconds. */
const workMs = 80

/** A version of a document as it was issued. */
interface Issued {
  readonly dot: Dot
  readonly supersedes: readonly Dot[]
  readonly hash: Uint8Array | null
}

/** Knows every edit of a document. */
export class DocumentAccounts {
  readonly #writes = new Map<string, Issued>()
  /** Dots of the same bytes: a version that was issued again holds what it held. */
  readonly #sameBytes = new Map<string, Dot[]>()
  readonly #fields = new Map<string, { readonly key: string; readonly field: string }>()
  /** Hashes of versions that cannot be read. */
  readonly #unreadable = new Set<string>()

  /** This value cannot be read. */
  spoilt(value: Uint8Array): void {
    this.#unreadable.add(Buffer.from(valueHash(value)).toString('hex'))
  }

  /** A version of a document was issued. Throws a Violation when it supersedes what nobody could read. */
  issued(known: Issued): void {
    const blind = known.supersedes.find((dot) => this.#isUnreadable(dot))
    if (blind !== undefined) {
      throw new Violation('wrong-view', `${dotText(known.dot)} supersedes ${dotText(blind)}, which cannot be read`)
    }
    this.#writes.set(dotText(known.dot), known)
    const bytes = Buffer.from(known.hash!).toString('hex')
    this.#sameBytes.set(bytes, [...(this.#sameBytes.get(bytes) ?? []), known.dot])
  }

  /** A user was told that this edit is stored. */
  edited(dot: Dot, key: string, field: string): void {
    this.#fields.set(dotText(dot), { key, field })
  }

  /** The documents that were edited. */
  keys(): Set<string> {
    return new Set([...this.#fields.values()].map(({ key }) => key))
  }

  /** Whether these live versions are shown with the fields of all edits that they hold, and of no others. Throws a Violation. */
  check(where: string, key: string, live: readonly Dot[], shown: ShownDocument | undefined): void {
    // More versions than one read merges wait, in the order of their dots, for an edit that makes room.
    const merged = live.filter((dot) => !this.#isUnreadable(dot)).slice(0, documentSiblingsMax)
    const held = this.#heldBy(merged)
    const there = new Set(Object.keys(shown?.json ?? {}))
    const unreadable = live.length - merged.length
    if (shown !== undefined && shown.unreadable !== unreadable) {
      throw new Violation(
        'document-unreadable',
        `${where} shows ${key} without ${shown.unreadable} versions, not ${unreadable}`,
      )
    }
    for (const [dot, one] of this.#fields) {
      if (one.key !== key || there.has(one.field) === held.has(dot)) continue
      const kind = held.has(dot) ? 'document-lost' : 'document-resurrected'
      throw new Violation(kind, `${where} shows ${key} as ${[...there].join(' ')}: see ${one.field}, set by ${dot}`)
    }
  }

  #isUnreadable(dot: Dot): boolean {
    const hash = this.#writes.get(dotText(dot))?.hash
    return hash != null && this.#unreadable.has(Buffer.from(hash).toString('hex'))
  }

  #heldBy(live: readonly Dot[]): Set<string> {
    const held = new Set<string>()
    const next = [...live]
    for (let dot = next.pop(); dot !== undefined; dot = next.pop()) {
      const text = dotText(dot)
      const known = this.#writes.get(text)
      if (known === undefined || held.has(text)) continue
      held.add(text)
      next.push(...known.supersedes, ...this.#sameBytes.get(Buffer.from(known.hash!).toString('hex'))!)
    }
    return held
  }
}

/** Works on documents as a thread does: it takes a while, and others write meanwhile. */
export class SlowDocuments implements DocumentEngine {
  readonly #local = new LocalDocuments()
  readonly #environment: Pick<Environment, 'random' | 'setTimer'>

  constructor(environment: Pick<Environment, 'random' | 'setTimer'>) {
    this.#environment = environment
  }

  show(versions: readonly Uint8Array[]) {
    return this.#late(this.#local.show(versions))
  }

  holds(versions: readonly Uint8Array[], other: Uint8Array) {
    return this.#late(this.#local.holds(versions, other))
  }

  edit(request: EditRequest) {
    return this.#late(this.#local.edit(request))
  }

  async #late<T>(work: Promise<T>): Promise<T> {
    const delayMs = this.#environment.random() * workMs
    await new Promise<void>((resolve) => this.#environment.setTimer(delayMs, resolve))
    return await work
  }
}
