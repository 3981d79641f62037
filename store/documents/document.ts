/** A document: what saved versions of it show together, and its edits. No I/O; the library is passed in. */
import { HearsayError } from '../errors.js'
import { chunkMemoryOf } from './chunk.js'
import { conflictsOf, type DocumentConflict } from './conflicts.js'
import { Editor } from './editor.js'
import { checkedDocument, type JsonObject } from './json.js'
import { applyJsonPatch, type PatchOperation } from './json-patch.js'
import { layoutVersion, markKey, scalarOut } from './layout.js'
import type { DocumentHandle, DocumentLibrary } from './library.js'
import { rootId } from './library.js'
import { documentMemoryBytesMax, documentRowsMax, documentSiblingsMax } from './limits.js'
import { applyMergePatch } from './merge-patch.js'
import { StillTree } from './tree.js'

/** An edit of a document. */
export type DocumentEdit =
  /** Makes it show this: what differs is written, the rest is left to whoever edits it meanwhile. */
  | { readonly put: JsonObject }
  /** RFC 7396. */
  | { readonly merge: JsonObject }
  /** RFC 6902. */
  | { readonly operations: readonly PatchOperation[] }

/** Document that saved versions show together. */
export interface DocumentView {
  readonly json: JsonObject
  /** The places inside that hold concurrent values that differ. */
  readonly conflicts: readonly DocumentConflict[]
  /** The names of the changes that make it what it is, sorted; with them it can be seen as it is now, later. */
  readonly heads: readonly string[]
  /** Indices of the versions that were merged; none: nothing is shown. */
  readonly merged: readonly number[]
  /** Indices of those that could not be read, or were too many: no edit may supersede them. */
  readonly leftOut: readonly number[]
}

/** Opened versions of one document. Call `close`. */
export class OpenDocument {
  /** Indices of the versions that were merged. */
  readonly merged: readonly number[]
  /**
   * Indices of the versions that could not be read, or were too many: they are not shown, and no edit may supersede
   * them.
   */
  readonly leftOut: readonly number[]
  readonly #handle: DocumentHandle
  readonly #library: DocumentLibrary

  private constructor(library: DocumentLibrary, handle: DocumentHandle, merged: number[], leftOut: number[]) {
    this.#library = library
    this.#handle = handle
    this.merged = merged
    this.leftOut = leftOut
  }

  /**
   * Merges saved versions, given in the same order on every node. `actor`: 16 fresh random bytes, under which an edit
   * of this document is made; no other edit may have them.
   */
  static open(library: DocumentLibrary, versions: readonly Uint8Array[], actor: Uint8Array): OpenDocument {
    const handle = library.create(Buffer.from(actor).toString('hex'))
    const merged: number[] = []
    const leftOut: number[] = []
    let memoryLeft = documentMemoryBytesMax
    for (const [index, bytes] of versions.entries()) {
      const memory = chunkMemoryOf(bytes)
      const hasRoom = memory !== undefined && memory <= memoryLeft && merged.length < documentSiblingsMax
      if (!hasRoom || !mergeSaved(library, handle, bytes)) leftOut.push(index)
      else {
        merged.push(index)
        memoryLeft -= memory
      }
    }
    return new OpenDocument(library, handle, merged, leftOut)
  }

  /** Everything that is shown of it. */
  view(): DocumentView {
    const tree = new StillTree(this.#handle)
    const json = tree.json(tree.root) as JsonObject
    return { json, conflicts: conflictsOf(tree), heads: this.heads(), merged: this.merged, leftOut: this.leftOut }
  }

  /** The names of the changes that make it what it is, sorted; with them it can be seen as it is now, later. */
  heads(): string[] {
    return this.#handle.getHeads().sort()
  }

  /** True if it holds these changes. */
  knows(heads: readonly string[]): boolean {
    return heads.every((head) => this.#handle.getChangeMetaByHash(head) != null)
  }

  /**
   * Edits it, and returns the bytes to be stored. With `heads` the edit is made to the document as it was at these
   * changes, and merged. Throws BAD_DOCUMENT, BAD_PATCH, PATCH_FAILED, TOO_LARGE; close it then.
   */
  edit(edit: DocumentEdit, heads?: readonly string[]): Uint8Array {
    if (heads !== undefined) this.#handle.isolate([...heads])
    const editor = new Editor(this.#handle, this.#library)
    if (this.#handle.getAll(rootId, markKey).length === 0) editor.begin()
    apply(editor, edit)
    this.#handle.commit(null, 0)
    if (heads !== undefined) this.#handle.integrate()
    const bytes = this.#handle.save()
    if (chunkMemoryOf(bytes) !== undefined) return bytes
    const mebibytes = documentMemoryBytesMax / 2 ** 20
    const message = `the document would have more than ${documentRowsMax} operations in its history, or take more than ${mebibytes} MiB of memory; nothing was stored. Delete it and put it again, which drops its history`
    throw new HearsayError('TOO_LARGE', message)
  }

  /** Frees its memory. */
  close(): void {
    this.#handle.free()
  }
}

function apply(editor: Editor, edit: DocumentEdit): void {
  const { root } = editor.tree
  if ('operations' in edit) applyJsonPatch(editor, edit.operations)
  else if ('put' in edit) editor.setAll(root, checkedDocument(edit.put), 'differ')
  else applyMergePatch(editor, root, checkedDocument(edit.merge))
}

/** Merges one saved version; false when it cannot be read, and then nothing has changed. */
function mergeSaved(library: DocumentLibrary, handle: DocumentHandle, bytes: Uint8Array): boolean {
  let other: DocumentHandle | undefined
  try {
    other = library.create('00'.repeat(16))
    other.loadIncremental(bytes)
    if (!isOurs(other)) return false
    handle.merge(other)
    return true
  } catch {
    return false
  } finally {
    free(other)
  }
}

function isOurs(handle: DocumentHandle): boolean {
  if (handle.getMissingDeps([]).length > 0) return false
  const marks = handle.getAll(rootId, markKey)
  return marks.length > 0 && marks.every((mark) => scalarOut(mark) === layoutVersion)
}

/** A handle whose call panicked may refuse to be freed: its memory is lost, nothing else. */
function free(handle: DocumentHandle | undefined): void {
  try {
    handle?.free()
  } catch {
    // Nothing to be done.
  }
}
