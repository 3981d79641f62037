/** Opens, shows and edits saved documents: in this thread, or in another one behind the same interface. */
import { type DocumentEdit, type DocumentView, OpenDocument } from './document.js'
import { type DocumentLibrary, loadDocumentLibrary } from './library.js'

/** An edit to be made. */
export interface EditRequest {
  /** Saved versions, in the same order on every node. */
  readonly versions: readonly Uint8Array[]
  readonly edit: DocumentEdit
  /** The edit is made to the document as it was at these changes, and merged; undefined: as it is. */
  readonly heads: readonly string[] | undefined
  /** 16 fresh random bytes; no other edit may have them. */
  readonly actor: Uint8Array
}

/** Result of an edit. */
export type EditResult =
  /** Bytes to be stored in place of the versions of the indices `merged`. */
  | {
      readonly kind: 'edited'
      readonly bytes: Uint8Array
      readonly heads: string[]
      readonly merged: readonly number[]
    }
  /** Bytes of a put on an empty document, because the versions do not hold the changes in `heads`. */
  | { readonly kind: 'alone'; readonly bytes: Uint8Array; readonly heads: string[] }
  /** A patch of versions that do not hold the changes in `heads`: nothing to be stored. */
  | { readonly kind: 'baseUnknown' }
  /** Operations on a document that is not there. */
  | { readonly kind: 'nothing' }

/** Works on documents. */
export interface DocumentEngine {
  /** Merges saved versions and returns the document that they show together. */
  show(versions: readonly Uint8Array[]): Promise<DocumentView>
  /** True if saved versions together hold all of another one; undefined when that cannot be read. */
  holds(versions: readonly Uint8Array[], other: Uint8Array): Promise<boolean | undefined>
  /** Edits. Throws BAD_DOCUMENT, BAD_PATCH, PATCH_FAILED, TOO_LARGE. */
  edit(request: EditRequest): Promise<EditResult>
}

/** The author of what only reads. */
const reader = new Uint8Array(16)

/** Works in this thread: whoever else is served by it waits. */
export class LocalDocuments implements DocumentEngine {
  async show(versions: readonly Uint8Array[]): Promise<DocumentView> {
    return opened(await loadDocumentLibrary(), versions, reader, (open) => open.view())
  }

  async holds(versions: readonly Uint8Array[], other: Uint8Array): Promise<boolean | undefined> {
    const library = await loadDocumentLibrary()
    const heads = opened(library, [other], reader, (open) => (open.merged.length === 0 ? undefined : open.heads()))
    if (heads === undefined || versions.length === 0) return heads && false
    return opened(library, versions, reader, (open) => open.knows(heads))
  }

  async edit(request: EditRequest): Promise<EditResult> {
    const { versions, actor } = request
    const library = await loadDocumentLibrary()
    const result = opened(library, versions, actor, (open) => editOf(open, request))
    return result ?? opened(library, [], actor, (open) => ({ kind: 'alone', ...made(open, request.edit) }))
  }
}

/** Result of an edit of open versions; undefined when the edit is to be stored alone. */
function editOf(open: OpenDocument, { edit, heads }: EditRequest): EditResult | undefined {
  if (heads !== undefined && !open.knows(heads)) return 'put' in edit ? undefined : { kind: 'baseUnknown' }
  if ('operations' in edit && open.merged.length === 0) return { kind: 'nothing' }
  return { kind: 'edited', ...made(open, edit, heads), merged: open.merged }
}

function made(open: OpenDocument, edit: DocumentEdit, heads?: readonly string[]) {
  const bytes = open.edit(edit, heads)
  return { bytes, heads: open.heads() }
}

function opened<T>(
  library: DocumentLibrary,
  versions: readonly Uint8Array[],
  actor: Uint8Array,
  use: (open: OpenDocument) => T,
): T {
  const open = OpenDocument.open(library, versions, actor)
  try {
    return use(open)
  } finally {
    open.close()
  }
}
