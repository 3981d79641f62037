/** The library that merges documents (Automerge), loaded only when a document is met, and what is used of it. */

/** The id of an object inside of a document. */
export type ObjectId = string

/** The root of every document. */
export const rootId: ObjectId = '_root'

/** One of the values under a key: its kind, the value (or the object's id), and the id of the operation that set it. */
export type Found = readonly [kind: string, value: unknown, operation?: string]

/** A document in the library's memory; to be freed. */
export interface DocumentHandle {
  keys(object: ObjectId): string[]
  length(object: ObjectId): number
  /** All concurrent values, the one with the greatest operation last. */
  getAll(object: ObjectId, property: string | number): Found[]
  put(object: ObjectId, property: string | number, value: unknown, kind: string): void
  putObjectFromHydrate(object: ObjectId, property: string | number, value: unknown): ObjectId
  spliceFromHydrate(object: ObjectId, index: number, deleted: number, values: unknown[]): void
  delete(object: ObjectId, property: string | number): void
  /** Makes what was written one change; null when nothing was. */
  commit(message: null, time: number): string | null
  save(): Uint8Array
  /** Throws on bytes that it cannot read; may panic inside, which throws as well and harms no other document. */
  loadIncremental(bytes: Uint8Array): number
  merge(other: DocumentHandle): unknown
  /** The changes that no other change follows. */
  getHeads(): string[]
  /** Anything but null: the change is in the document. */
  getChangeMetaByHash(hash: string): unknown
  getMissingDeps(heads: string[]): string[]
  /** Shows and edits the document as it was at these heads, until `integrate`. */
  isolate(heads: string[]): void
  integrate(): void
  free(): void
}

/** The library, loaded. All of it is synchronous. */
export interface DocumentLibrary {
  /** An empty document whose next change is by this actor: 32 hexadecimal digits. */
  create(actor: string): DocumentHandle
  /** A text that is replaced as a whole. */
  text(value: string): object
}

let loading: Promise<DocumentLibrary> | undefined

/** Loads the library, once for the process. */
export function loadDocumentLibrary(): Promise<DocumentLibrary> {
  loading ??= import('@automerge/automerge').then((automerge) => ({
    create: (actor) => automerge.getBackend(automerge.init({ actor })) as unknown as DocumentHandle,
    text: (value) => new automerge.ImmutableString(value),
  }))
  return loading
}
