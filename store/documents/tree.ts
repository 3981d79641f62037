/**
 * Reads a document in the library's memory as containers, slots and elements: what is there, and all concurrent values
 * of it.
 */
import { canonical, type Json, type Scalar, setEntry } from './json.js'
import { elementsKey, markKey, prefixes, scalarOut } from './layout.js'
import { type DocumentHandle, type Found, type ObjectId, rootId } from './library.js'
import { documentDepthMax } from './limits.js'

/** Id of the operation that set a value: orders concurrent values, the greatest first; the same on every node. */
export interface Stamp {
  readonly counter: number
  readonly actor: string
}

/** An object. Those that two sides made under one key, unseen by each other, are shown as one. */
export interface MapNode {
  readonly kind: 'map'
  /** Its containers, the one marked last first. */
  readonly ids: readonly ObjectId[]
  readonly parent: JsonNode | undefined
}

/** A list. */
export interface ListNode {
  readonly kind: 'list'
  readonly ids: readonly [ObjectId]
  readonly parent: JsonNode | undefined
}

/** A container. */
export type JsonNode = MapNode | ListNode

/** One of the concurrent values of a slot. */
export interface Stamped {
  readonly stamp: Stamp
  readonly value: Scalar | JsonNode
}

/** Content of an object under one key: concurrent values, and containers that were deleted. */
export interface Slot {
  /** Concurrent values, the shown one first. */
  readonly values: readonly Stamped[]
  /**
   * Containers whose mark was removed; used again when a container of this kind is set, because somebody may be editing
   * them.
   */
  readonly hiddenMaps: readonly ObjectId[]
  readonly hiddenLists: readonly ObjectId[]
}

/** An element of a list, at the same index as in the library; empty when it was deleted. */
export interface Element {
  readonly values: readonly Stamped[]
}

/** Reads through one handle. */
export class Tree {
  readonly root: MapNode = { kind: 'map', ids: [rootId], parent: undefined }
  readonly #handle: DocumentHandle

  constructor(handle: DocumentHandle) {
    this.#handle = handle
  }

  /** The keys of an object that hold something, sorted. */
  keys(map: MapNode): string[] {
    const found = new Set<string>()
    for (const id of map.ids) {
      for (const entry of this.entries(id)) if (isEntry(entry)) found.add(entry.slice(1))
    }
    return [...found].sort()
  }

  /** The slot under a key. */
  slot(map: MapNode, key: string): Slot {
    const scalars: Stamped[] = []
    const maps: Container[] = []
    const lists: Container[] = []
    for (const id of map.ids) {
      scalars.push(...scalarsOf(this.found(id, prefixes.scalar + key)))
      maps.push(...this.#containers(this.found(id, prefixes.map + key)))
      lists.push(...this.#containers(this.found(id, prefixes.list + key)))
    }
    const values = [...scalars, ...mapOf(maps, map), ...marked(lists).map((list) => listOf(list, map))]
    return { values: values.sort(latestFirst), hiddenMaps: hidden(maps), hiddenLists: hidden(lists) }
  }

  /** The elements of a list, deleted containers included. */
  elements(list: ListNode): Element[] {
    const id = this.elementsId(list)
    if (id === undefined) return []
    const elements: Element[] = []
    const length = this.#handle.length(id)
    for (let index = 0; index < length; index++) elements.push(this.element(list, id, index))
    return elements
  }

  /** One element; `id` is that of the elements. */
  element(list: ListNode, id: ObjectId, index: number): Element {
    const found = this.found(id, index)
    const scalars = scalarsOf(found)
    if (scalars.length > 0) return { values: scalars.sort(latestFirst) }
    const values = marked(this.#containers(found)).map((one) => {
      const isListContainer = this.found(one.id, elementsKey).some(([kind]) => kind === 'list')
      return isListContainer ? listOf(one, list) : mapOf([one], list)[0]!
    })
    return { values: values.sort(latestFirst) }
  }

  /** The object of the library that holds a list's elements; undefined when a peer sent a list without one. */
  elementsId(list: ListNode): ObjectId | undefined {
    const found = this.found(list.ids[0], elementsKey).findLast(([kind]) => kind === 'list')
    return found?.[1] as ObjectId | undefined
  }

  /** The JSON of a value: of each slot the shown value. */
  json(value: Scalar | JsonNode, depth = 1): Json {
    if (!isNode(value)) return value
    if (depth > documentDepthMax) return null
    if (value.kind === 'list') {
      const shown = this.elements(value).filter((element) => element.values.length > 0)
      return shown.map((element) => this.json(element.values[0]!.value, depth + 1))
    }
    const object: Record<string, Json> = {}
    for (const key of this.keys(value)) {
      const [shown] = this.slot(value, key).values
      if (shown !== undefined) setEntry(object, key, this.json(shown.value, depth + 1))
    }
    return object
  }

  /** Concurrent values that differ, as JSON, the shown one first. */
  distinct(values: readonly Stamped[], depth: number): Json[] {
    const distinct = new Map<string, Json>()
    for (const { value } of values) {
      const json = this.json(value, depth)
      const text = canonical(json)
      if (!distinct.has(text)) distinct.set(text, json)
    }
    return [...distinct.values()]
  }

  /** The entries of an object of the library. */
  protected entries(id: ObjectId): readonly string[] {
    return this.#handle.keys(id)
  }

  /** All concurrent values under an entry or at an index. */
  protected found(id: ObjectId, property: string | number): Found[] {
    return this.#handle.getAll(id, property)
  }

  #containers(found: readonly Found[]): Container[] {
    const ids = found.filter(([kind]) => kind === 'map').map(([, id]) => id as ObjectId)
    return ids.map((id) => ({ id, stamp: this.#mark(id) }))
  }

  /** The latest mark of a container; undefined when it was deleted. */
  #mark(id: ObjectId): Stamp | undefined {
    return this.#handle
      .getAll(id, markKey)
      .map((found) => stampOf(found))
      .sort(compareStamps)
      .at(-1)
  }
}

/**
 * A tree of a document that does not change: what was read once is not read again, and what is not there is not asked
 * for.
 */
export class StillTree extends Tree {
  readonly #entries = new Map<ObjectId, ReadonlySet<string>>()
  readonly #slots = new WeakMap<MapNode, Map<string, Slot>>()
  readonly #elements = new WeakMap<ListNode, Element[]>()

  override slot(map: MapNode, key: string): Slot {
    const slots = this.#slots.get(map) ?? new Map<string, Slot>()
    this.#slots.set(map, slots)
    const slot = slots.get(key) ?? super.slot(map, key)
    slots.set(key, slot)
    return slot
  }

  override elements(list: ListNode): Element[] {
    const elements = this.#elements.get(list) ?? super.elements(list)
    this.#elements.set(list, elements)
    return elements
  }

  protected override entries(id: ObjectId): readonly string[] {
    return [...this.#entriesOf(id)]
  }

  protected override found(id: ObjectId, property: string | number): Found[] {
    return typeof property === 'number' || this.#entriesOf(id).has(property) ? super.found(id, property) : []
  }

  #entriesOf(id: ObjectId): ReadonlySet<string> {
    const entries = this.#entries.get(id) ?? new Set(super.entries(id))
    this.#entries.set(id, entries)
    return entries
  }
}

interface Container {
  readonly id: ObjectId
  readonly stamp: Stamp | undefined
}

type Marked = Container & { readonly stamp: Stamp }

/** True if a value is a container. */
export function isNode(value: Scalar | JsonNode): value is JsonNode {
  return typeof value === 'object' && value !== null
}

function isEntry(key: string): boolean {
  return key.startsWith(prefixes.scalar) || key.startsWith(prefixes.map) || key.startsWith(prefixes.list)
}

function marked(containers: readonly Container[]): Marked[] {
  const there = containers.filter((one): one is Marked => one.stamp !== undefined)
  return there.sort((a, b) => compareStamps(b.stamp, a.stamp))
}

function hidden(containers: readonly Container[]): ObjectId[] {
  return containers.filter(({ stamp }) => stamp === undefined).map(({ id }) => id)
}

function mapOf(containers: readonly Container[], parent: JsonNode): Stamped[] {
  const there = marked(containers)
  if (there.length === 0) return []
  return [{ stamp: there[0]!.stamp, value: { kind: 'map', ids: there.map(({ id }) => id), parent } }]
}

function listOf({ id, stamp }: Marked, parent: JsonNode): Stamped {
  return { stamp, value: { kind: 'list', ids: [id], parent } }
}

function scalarsOf(found: readonly Found[]): Stamped[] {
  const stamped: Stamped[] = []
  for (const one of found) {
    const value = scalarOut(one)
    if (value !== undefined) stamped.push({ stamp: stampOf(one), value })
  }
  return stamped
}

function stampOf([, value, operation]: Found): Stamp {
  const [counter, actor = ''] = String(operation ?? value).split('@')
  return { counter: Number(counter), actor }
}

function compareStamps(a: Stamp, b: Stamp): number {
  return a.counter - b.counter || (a.actor < b.actor ? -1 : a.actor > b.actor ? 1 : 0)
}

function latestFirst(a: Stamped, b: Stamped): number {
  return compareStamps(b.stamp, a.stamp)
}
