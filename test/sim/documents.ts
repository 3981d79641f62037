/**
 * The account of all documents: every edit sets a field of its own, so that what a state must show follows from which
 * edits it holds. It knows nothing of how documents are merged; which edits a version holds it follows through what
 * each superseded.
 */
import type { ShownDocument } from '../../store/data/documents.js'
import { type DocumentEngine, type EditRequest, LocalDocuments } from '../../store/documents/engine.js'
import { documentSiblingsMax } from '../../store/documents/limits.js'
import type { Environment } from '../../store/environment.js'
import { valueHash } from '../../store/model/digest.js'
import { type Dot, dotText } from '../../store/model/dot.js'
import type { Version } from '../../store/model/update.js'
import { storedText, textOf } from './forks.js'
import type { Known } from './issues.js'
import { SimulationViolation } from './violation.js'

/** The longest that a document is worked on, in virtual milliseconds. */
const workMs = 80

/** A version of a document as it was issued. */
type Issued = Pick<Known, 'dot' | 'supersedes' | 'view' | 'hash' | 'stored' | 'issuer' | 'reissueOf'>

/** Knows every edit of a document. */
export class DocumentAccounts {
  /** By dot: one that two memories gave out names several. */
  readonly #writes = new Map<string, Issued[]>()
  /** Writes of the same bytes: a version that was issued again holds what it held. */
  readonly #sameBytes = new Map<string, Issued[]>()
  readonly #fields = new Map<string, { readonly key: string; readonly field: string }>()
  /** Hashes of versions that cannot be read. */
  readonly #unreadable = new Set<string>()

  /** This value cannot be read. */
  spoilt(value: Uint8Array): void {
    this.#unreadable.add(Buffer.from(valueHash(value)).toString('hex'))
  }

  /** A version of a document was issued. Throws a Violation when it supersedes what nobody could read. */
  issued(known: Issued): void {
    const blind = known.supersedes.find((dot) => {
      const named = this.#named(dot, known.view.get(dotText(dot)))
      // A reissue only renames what it supersedes.
      return known.reissueOf === undefined && named.length > 0 && named.every(({ hash }) => this.#isUnreadable(hash))
    })
    if (blind !== undefined) {
      throw new SimulationViolation(
        'wrong-view',
        `${dotText(known.dot)} supersedes ${dotText(blind)}, which cannot be read`,
      )
    }
    push(this.#writes, dotText(known.dot), known)
    push(this.#sameBytes, textOf(known.hash), known)
  }

  /** A user of a node was told that this edit is stored. */
  edited(issuer: string, dot: Dot, key: string, field: string): void {
    this.#fields.set(`${dotText(dot)} of ${issuer}`, { key, field })
  }

  /** The documents that were edited. */
  keys(): Set<string> {
    return new Set([...this.#fields.values()].map(({ key }) => key))
  }

  /**
   * True if these live versions are shown with the fields of all edits that they hold, and of no others. Throws a
   * Violation.
   */
  check(where: string, key: string, live: readonly Version[], shown: ShownDocument | undefined): void {
    // More versions than one read merges wait, in the order of their dots, for an edit that makes room.
    const merged = live.filter((version) => !this.#isUnreadable(version.valueHash)).slice(0, documentSiblingsMax)
    const held = this.#heldBy(merged)
    const there = new Set(Object.keys(shown?.json ?? {}))
    const unreadable = live.length - merged.length
    if (shown !== undefined && shown.unreadable !== unreadable) {
      throw new SimulationViolation(
        'document-unreadable',
        `${where} shows ${key} without ${shown.unreadable} versions, not ${unreadable}`,
      )
    }
    for (const [dot, one] of this.#fields) {
      if (one.key !== key || there.has(one.field) === held.has(dot)) continue
      const kind = held.has(dot) ? 'document-lost' : 'document-resurrected'
      throw new SimulationViolation(
        kind,
        `${where} shows ${key} as ${[...there].join(' ')}: see ${one.field}, set by ${dot}`,
      )
    }
  }

  #isUnreadable(hash: Uint8Array | null): boolean {
    return hash !== null && this.#unreadable.has(textOf(hash))
  }

  #heldBy(live: readonly Version[]): Set<string> {
    const held = new Set<Issued>()
    const next = live.flatMap((version) => this.#named(version.dot, storedText(version)))
    for (let known = next.pop(); known !== undefined; known = next.pop()) {
      if (held.has(known)) continue
      held.add(known)
      for (const dot of known.supersedes) next.push(...this.#named(dot, known.view.get(dotText(dot))))
      next.push(...this.#sameBytes.get(textOf(known.hash))!)
    }
    return new Set([...held].map(({ dot, issuer }) => `${dotText(dot)} of ${issuer}`))
  }

  /** The writes of a dot: those that stored this, when it is known. */
  #named(dot: Dot, stored: string | undefined): readonly Issued[] {
    const all = this.#writes.get(dotText(dot)) ?? []
    return stored === undefined ? all : all.filter((one) => storedText(one.stored!) === stored)
  }
}

function push<K, T>(map: Map<K, T[]>, key: K, item: T): void {
  map.set(key, [...(map.get(key) ?? []), item])
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
