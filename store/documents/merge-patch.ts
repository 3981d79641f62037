/** JSON merge patches (RFC 7396), applied part by part. */
import type { Editor } from './editor.js'
import { isObject, type Json, type JsonObject, setEntry } from './json.js'
import { isNode, type MapNode } from './tree.js'

/** Applies a patch to an object: null removes, objects go inside, everything else is set, also where it is the same. */
export function applyMergePatch(editor: Editor, map: MapNode, patch: JsonObject): void {
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) editor.remove(map, key)
    else if (isObject(value)) mergeInto(editor, map, key, value)
    else editor.set(map, key, value, 'settle')
  }
}

function mergeInto(editor: Editor, map: MapNode, key: string, patch: JsonObject): void {
  const shown = editor.tree.slot(map, key).values[0]?.value
  if (shown !== undefined && isNode(shown) && shown.kind === 'map') applyMergePatch(editor, shown, patch)
  else editor.set(map, key, withoutNulls(patch), 'settle')
}

/** Result of a patch of an object that does not exist: the patch without its nulls. */
export function withoutNulls(patch: JsonObject): JsonObject {
  const object: Record<string, Json> = {}
  for (const [key, value] of Object.entries(patch)) {
    if (value !== null) setEntry(object, key, isObject(value) ? withoutNulls(value) : value)
  }
  return object
}
