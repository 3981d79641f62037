/**
 * JSON patches (RFC 6902): six operations, applied part by part in order; the caller drops the document when one fails.
 */
import { HearsayError } from '../errors.js'
import type { Editor } from './editor.js'
import { canonical, checkJson, countValues, isObject, type Json, type Scalar } from './json.js'
import { documentDepthMax, patchOperationsMax, patchWorkMax } from './limits.js'
import { indexOf, parsePointer } from './pointer.js'
import { isNode, type JsonNode, type ListNode } from './tree.js'

/** One operation, checked. */
export type PatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: readonly string[]; readonly value: Json }
  | { readonly op: 'remove'; readonly path: readonly string[] }
  | { readonly op: 'move' | 'copy'; readonly path: readonly string[]; readonly from: readonly string[] }

/** Reads a patch. Throws BAD_PATCH or BAD_DOCUMENT. */
export function parseJsonPatch(patch: unknown): PatchOperation[] {
  if (!Array.isArray(patch)) throw bad('a patch is a list of operations')
  if (patch.length > patchOperationsMax)
    throw bad(`a patch has at most ${patchOperationsMax} operations; send several patches`)
  checkJson(patch)
  return patch.map(parseOperation)
}

function parseOperation(operation: unknown): PatchOperation {
  if (!isObject(operation)) throw bad('each operation is an object')
  const { op, path, from, value } = operation
  if (typeof path !== 'string') throw bad("each operation has a 'path'")
  if (op === 'remove') return { op, path: parsePointer(path) }
  if (op === 'move' || op === 'copy') {
    if (typeof from !== 'string') throw bad(`'${op}' has a 'from'`)
    return { op, path: parsePointer(path), from: parsePointer(from) }
  }
  if (op !== 'add' && op !== 'replace' && op !== 'test') throw bad("'op' is add, remove, replace, move, copy or test")
  if (value === undefined || !Object.hasOwn(operation, 'value')) throw bad(`'${op}' has a 'value'`)
  return { op, path: parsePointer(path), value }
}

/** Applies operations in order. Throws PATCH_FAILED at the first that does not fit the document. */
export function applyJsonPatch(editor: Editor, operations: readonly PatchOperation[]): void {
  const run = new PatchRun(editor)
  for (const [index, operation] of operations.entries()) run.step(operation, index)
}

class PatchRun {
  readonly #editor: Editor
  #at = 0
  #work = 0

  constructor(editor: Editor) {
    this.#editor = editor
  }

  step(operation: PatchOperation, index: number): void {
    this.#at = index
    if (operation.op === 'add') this.#add(operation.path, operation.value)
    else if (operation.op === 'remove') this.#remove(operation.path)
    else if (operation.op === 'replace') this.#replace(operation.path, operation.value)
    else if (operation.op === 'test') this.#test(operation.path, operation.value)
    else if (operation.op === 'copy') this.#add(operation.path, this.#read(operation.from))
    else if (operation.op === 'move') this.#move(operation.from, operation.path)
  }

  #add(path: readonly string[], value: Json): void {
    if (path.length === 0) this.#setRoot(value)
    else this.#addAt(path, value)
  }

  #addAt(path: readonly string[], value: Json): void {
    this.#checkDepth(path, value)
    const { parent, token } = this.#parent(path)
    if (parent.kind === 'list') this.#insert(parent, token, value)
    else this.#editor.set(parent, token, value, 'settle')
  }

  #insert(list: ListNode, token: string, value: Json): void {
    const length = this.#shownLength(list)
    const index = token === '-' ? length : indexOf(token)
    if (index === undefined || index > length) throw this.#failed(`a list of ${length} has no place '${token}'`)
    this.#editor.insert(list, index, [value])
  }

  #remove(path: readonly string[]): void {
    if (path.length === 0) throw bad("the root cannot be removed; delete the document instead, or replace '' by {}")
    const { parent, token } = this.#parent(path)
    if (parent.kind === 'list') this.#editor.removeAt(parent, this.#index(parent, token))
    else if (!this.#editor.remove(parent, token)) throw this.#failed(`there is no '${token}'`)
  }

  #replace(path: readonly string[], value: Json): void {
    if (path.length === 0) this.#setRoot(value)
    else this.#replaceAt(path, value)
  }

  #replaceAt(path: readonly string[], value: Json): void {
    this.#checkDepth(path, value)
    const { parent, token } = this.#parent(path)
    const child = this.#child(parent, token)
    if (parent.kind === 'list') this.#editor.setAt(parent, this.#index(parent, token), value, 'settle')
    else if (child !== undefined) this.#editor.set(parent, token, value, 'settle')
  }

  #move(from: readonly string[], path: readonly string[]): void {
    if (from.length < path.length && from.every((token, at) => token === path[at])) {
      throw this.#failed('a value cannot be moved into itself')
    }
    const value = this.#read(from)
    if (from.length === path.length && from.every((token, at) => token === path[at])) return
    this.#remove(from)
    this.#add(path, value)
  }

  #test(path: readonly string[], value: Json): void {
    if (canonical(this.#read(path)) !== canonical(value)) throw this.#failed('the value there is different')
  }

  #setRoot(value: Json): void {
    if (!isObject(value)) {
      throw new HearsayError('BAD_DOCUMENT', 'the root of a document is a JSON object; nothing was stored')
    }
    this.#editor.setAll(this.#editor.tree.root, value, 'settle')
  }

  #read(path: readonly string[]): Json {
    let node: JsonNode = this.#editor.tree.root
    for (const [at, token] of path.entries()) {
      const child = this.#child(node, token)
      if (at === path.length - 1 && !isNode(child)) return child
      node = this.#node(child, token)
    }
    const json = this.#editor.tree.json(node, path.length + 1)
    this.#spend(countValues(json))
    return json
  }

  #parent(path: readonly string[]): { parent: JsonNode; token: string } {
    let parent: JsonNode = this.#editor.tree.root
    for (const token of path.slice(0, -1)) parent = this.#node(this.#child(parent, token), token)
    return { parent, token: path.at(-1)! }
  }

  #child(node: JsonNode, token: string): Scalar | JsonNode {
    if (node.kind === 'list') return this.#editor.shown(node)[this.#index(node, token)]!.values[0]!.value
    const shown = this.#editor.tree.slot(node, token).values[0]
    if (shown === undefined) throw this.#failed(`there is no '${token}'`)
    return shown.value
  }

  #node(value: Scalar | JsonNode, token: string): JsonNode {
    if (isNode(value)) return value
    throw this.#failed(`'${token}' is neither an object nor a list`)
  }

  #index(list: ListNode, token: string): number {
    const length = this.#shownLength(list)
    const index = indexOf(token)
    if (index === undefined || index >= length) throw this.#failed(`a list of ${length} has no element '${token}'`)
    return index
  }

  #shownLength(list: ListNode): number {
    const { length } = this.#editor.shown(list)
    this.#spend(length)
    return length
  }

  #checkDepth(path: readonly string[], value: Json): void {
    const depthOf = (one: Json): number =>
      typeof one !== 'object' || one === null ? 0 : 1 + Math.max(0, ...Object.values(one as object).map(depthOf))
    if (path.length + depthOf(value) <= documentDepthMax) return
    throw new HearsayError('BAD_DOCUMENT', `it would be more than ${documentDepthMax} levels deep; nothing was stored`)
  }

  #spend(values: number): void {
    this.#work += values
    if (this.#work > patchWorkMax) throw bad('its operations together read too much; send it in parts')
  }

  #failed(reason: string): HearsayError {
    const message = `operation ${this.#at + 1} does not fit the document: ${reason}; nothing was changed, read it again`
    return new HearsayError('PATCH_FAILED', message, { operation: this.#at })
  }
}

function bad(rule: string): HearsayError {
  return new HearsayError('BAD_PATCH', `this is not a JSON patch: ${rule}; nothing was stored`)
}
