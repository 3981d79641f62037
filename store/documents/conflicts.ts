/** Lists the places inside of a document that hold more than one concurrent value. */
import type { Json } from './json.js'
import { documentConflictsMax, documentDepthMax } from './limits.js'
import { pointerText } from './pointer.js'
import { isNode, type JsonNode, type Stamped, type Tree } from './tree.js'

/** One place with all of its values. */
export interface DocumentConflict {
  /** JSON pointer of the place into the shown document, or into one of the values of a place that is listed before. */
  readonly path: string
  /** The values, the shown one first. */
  readonly values: readonly Json[]
}

type Path = readonly (string | number)[]

/** The conflicts of a document in the order of its keys and elements; at most `documentConflictsMax`. */
export function conflictsOf(tree: Tree): DocumentConflict[] {
  const conflicts: DocumentConflict[] = []
  visit(tree, tree.root, [], (values, path) => {
    const distinct = tree.distinct(values, path.length + 1)
    if (distinct.length > 1) conflicts.push({ path: pointerText(path), values: distinct })
    return conflicts.length < documentConflictsMax
  })
  return conflicts
}

/**
 * Calls back for each place with more than one value, until it answers false; goes into all values, since what is not
 * shown holds more.
 */
function visit(
  tree: Tree,
  node: JsonNode,
  path: Path,
  found: (values: readonly Stamped[], path: Path) => boolean,
): boolean {
  if (path.length >= documentDepthMax) return true
  for (const [step, values] of placesOf(tree, node)) {
    const inside = [...path, step]
    if (values.length > 1 && !found(values, inside)) return false
    for (const { value } of values) if (isNode(value) && !visit(tree, value, inside, found)) return false
  }
  return true
}

function placesOf(tree: Tree, node: JsonNode): [string | number, readonly Stamped[]][] {
  const places: [string | number, readonly Stamped[]][] =
    node.kind === 'map'
      ? tree.keys(node).map((key) => [key, tree.slot(node, key).values])
      : tree.elements(node).map(({ values }) => [0, values])
  const shown = places.filter(([, values]) => values.length > 0)
  return node.kind === 'map' ? shown : shown.map(([, values], index) => [index, values])
}
