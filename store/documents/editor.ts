/** Edits a document in the library's memory, part by part. */
import { isList, isObject, type Json, type JsonObject, type Scalar } from './json.js'
import { documentEntryKey, hydrate, layoutVersion, markKey, prefixes, scalarOut, scalarPut } from './layout.js'
import type { DocumentHandle, DocumentLibrary, ObjectId } from './library.js'
import { differenceOf } from './list-difference.js'
import { type Element, isNode, type JsonNode, type ListNode, type MapNode, type Slot, Tree } from './tree.js'

/**
 * `settle`: what is given is written, and the only value afterwards; `differ`: only what differs from what is shown is
 * written.
 */
export type Manner = 'settle' | 'differ'

/** One edit of a document. */
export class Editor {
  readonly tree: Tree
  readonly #handle: DocumentHandle
  readonly #library: DocumentLibrary
  /** Containers whose marks were set again in this edit. */
  readonly #touched = new Set<ObjectId>()
  /** Elements of lists, read once in the edit and kept up to date: reading them takes a call for each. */
  readonly #elements = new Map<ObjectId, Element[]>()

  constructor(handle: DocumentHandle, library: DocumentLibrary) {
    this.#handle = handle
    this.#library = library
    this.tree = new Tree(handle)
  }

  /** Makes an empty document one of this layout. */
  begin(): void {
    this.#handle.put(this.tree.root.ids[0]!, markKey, layoutVersion, 'int')
  }

  /** Makes an object hold exactly these entries. */
  setAll(map: MapNode, json: JsonObject, manner: Manner): void {
    for (const key of this.tree.keys(map)) if (!Object.hasOwn(json, key)) this.remove(map, key)
    for (const [key, value] of Object.entries(json)) this.set(map, key, value, manner)
  }

  /** Sets what is under a key. */
  set(map: MapNode, key: string, json: Json, manner: Manner): void {
    const slot = this.tree.slot(map, key)
    const shown = slot.values[0]?.value
    if (manner === 'differ' && shown !== undefined && this.#become(shown, json, manner)) return
    const kept = slot.values.map(({ value }) => value).find((value) => isNode(value) && fits(value, json))
    for (const { value } of slot.values) if (isNode(value) && value !== kept) this.#hide(value)
    if (isList(json) || isObject(json)) this.#setContainer(map, key, json, slot, kept as JsonNode | undefined)
    else this.#setScalar(map, key, json)
  }

  /** Removes what is under a key. Returns whether there was something. */
  remove(map: MapNode, key: string): boolean {
    const { values } = this.tree.slot(map, key)
    for (const { value } of values) if (isNode(value)) this.#hide(value)
    this.#deleteScalars(map.ids, key)
    return values.length > 0
  }

  /** The elements of a list that are there. */
  shown(list: ListNode): Element[] {
    return this.#all(list).filter(isThere)
  }

  /** Inserts elements before the one at an index of the shown list. */
  insert(list: ListNode, index: number, values: readonly Json[]): void {
    this.#insert(list, index === 0 ? 0 : this.#places(list)[index - 1]! + 1, values)
  }

  /** Removes the element at an index of the shown list. */
  removeAt(list: ListNode, index: number): void {
    this.#remove(list, this.#places(list)[index]!)
  }

  /** Sets the element at an index of the shown list. */
  setAt(list: ListNode, index: number, json: Json, manner: Manner): void {
    this.#setElement(list, this.#places(list)[index]!, json, manner)
  }

  /**
   * Makes a list hold exactly these elements, with few edits, so that what others insert and change meanwhile stays.
   */
  setList(list: ListNode, json: readonly Json[], manner: Manner): void {
    const current = this.shown(list).map((element) => this.tree.json(element.values[0]!.value))
    if (manner === 'settle') this.#settleElements(list)
    const places = this.#places(list)
    // From the end on, so that the places before stay true.
    for (const step of differenceOf(current, json).toReversed()) {
      if (step.kind === 'insert') {
        this.#insert(list, step.at === 0 ? 0 : places[step.at - 1]! + 1, json.slice(step.from, step.to))
      } else if (step.kind === 'remove') this.#remove(list, places[step.at]!)
      else this.#setElement(list, places[step.at]!, json[step.to]!, manner)
    }
  }

  /** Turns a value into another without replacing it; false when it must be replaced. */
  #become(shown: Scalar | JsonNode, json: Json, manner: Manner): boolean {
    if (!isNode(shown)) return shown === json
    if (!fits(shown, json)) return false
    this.#fill(shown, json, manner)
    return true
  }

  #fill(node: JsonNode, json: Json, manner: Manner): void {
    if (node.kind === 'map') this.setAll(node, json as JsonObject, manner)
    else this.setList(node, json as readonly Json[], manner)
    if (manner === 'settle') this.#touch(node)
  }

  #setContainer(map: MapNode, key: string, json: Json, slot: Slot, kept: JsonNode | undefined): void {
    this.#deleteScalars(map.ids, key)
    const again = isList(json) ? slot.hiddenLists : slot.hiddenMaps
    if (kept !== undefined) this.#fill(kept, json, 'settle')
    else if (again.length > 0) this.#fill(this.#reuse(again, isList(json) ? 'list' : 'map', map), json, 'settle')
    else {
      this.#handle.putObjectFromHydrate(map.ids[0]!, documentEntryKey(key, json), hydrate(json, this.#library))
      this.#touch(map)
    }
  }

  /**
   * Containers that were deleted are emptied, and the first is used again: whoever edits in it unseen by us keeps the
   * edit.
   */
  #reuse(ids: readonly ObjectId[], kind: JsonNode['kind'], parent: JsonNode): JsonNode {
    const nodes = ids.map((id) => ({ kind, ids: [id], parent }) as JsonNode)
    for (const node of nodes) {
      if (node.kind === 'map') for (const key of this.tree.keys(node)) this.remove(node, key)
      else for (let at = this.#all(node).length - 1; at >= 0; at--) this.#remove(node, at)
    }
    this.#handle.put(ids[0]!, markKey, true, 'boolean')
    return nodes[0]!
  }

  #setScalar(map: MapNode, key: string, json: Scalar): void {
    this.#deleteScalars(map.ids.slice(1), key)
    this.#put(map.ids[0]!, prefixes.scalar + key, json)
    this.#touch(map)
  }

  /** Always writes: the library leaves out a write of what is there, and a deletion unseen by us would then win. */
  #put(id: ObjectId, property: string | number, json: Scalar): void {
    const found = this.#handle.getAll(id, property)
    if (found.length === 1 && scalarOut(found[0]!) === json) this.#handle.put(id, property, json !== true, 'boolean')
    this.#handle.put(id, property, ...scalarPut(json))
  }

  #deleteScalars(ids: readonly ObjectId[], key: string): void {
    for (const id of ids) {
      const property = prefixes.scalar + key
      if (this.#handle.getAll(id, property).length > 0) this.#handle.delete(id, property)
    }
  }

  #hide(node: JsonNode): void {
    for (const id of node.ids) {
      this.#handle.delete(id, markKey)
      this.#touched.delete(id)
    }
  }

  /** Sets the marks of a container and of all around it again. */
  #touch(node: JsonNode): void {
    for (let around: JsonNode = node; around.parent !== undefined; around = around.parent) {
      for (const id of around.ids) {
        if (this.#touched.has(id)) continue
        const mark = this.#handle.getAll(id, markKey).at(-1)
        this.#handle.put(id, markKey, mark?.[1] !== true, 'boolean')
        this.#touched.add(id)
      }
    }
  }

  #all(list: ListNode): Element[] {
    const [id] = list.ids
    const known = this.#elements.get(id)
    if (known !== undefined) return known
    const elements = this.tree.elements(list)
    this.#elements.set(id, elements)
    return elements
  }

  /** The place of each element that is there, among all. */
  #places(list: ListNode): number[] {
    return this.#all(list).flatMap((element, place) => (isThere(element) ? [place] : []))
  }

  #insert(list: ListNode, place: number, values: readonly Json[]): void {
    const id = this.tree.elementsId(list)
    if (values.length === 0 || id === undefined) return
    const all = this.#all(list)
    const hydrated = values.map((value) => hydrate(value, this.#library))
    this.#handle.spliceFromHydrate(id, place, 0, hydrated)
    all.splice(place, 0, ...values.map((_value, offset) => this.tree.element(list, id, place + offset)))
    this.#touch(list)
  }

  #remove(list: ListNode, place: number): void {
    const all = this.#all(list)
    const containers = all[place]!.values.map(({ value }) => value).filter(isNode)
    for (const container of containers) this.#hide(container)
    if (containers.length > 0) all[place] = { values: [] }
    if (!isThere(all[place]!) || containers.length > 0) return
    this.#handle.delete(this.tree.elementsId(list)!, place)
    all.splice(place, 1)
  }

  #setElement(list: ListNode, place: number, json: Json, manner: Manner): void {
    const shown = this.#all(list)[place]!.values[0]!.value
    if (isNode(shown) && this.#become(shown, json, manner)) return
    if (isNode(shown) || isList(json) || isObject(json)) {
      this.#insert(list, place + 1, [json])
      this.#remove(list, place)
    } else this.#putElement(list, place, json)
  }

  #putElement(list: ListNode, place: number, json: Scalar): void {
    const id = this.tree.elementsId(list)!
    this.#put(id, place, json)
    this.#all(list)[place] = this.tree.element(list, id, place)
    this.#touch(list)
  }

  #settleElements(list: ListNode): void {
    for (const [place, { values }] of this.#all(list).entries()) {
      const shown = values[0]?.value
      if (values.length > 1 && shown !== undefined && !isNode(shown)) this.#putElement(list, place, shown)
    }
  }
}

function isThere(element: Element): boolean {
  return element.values.length > 0
}

function fits(node: JsonNode, json: Json): boolean {
  return node.kind === 'list' ? isList(json) : isObject(json)
}
