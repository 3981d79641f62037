/** What befalls the links between nodes, and how they heal. */
import type { SimMesh } from './mesh.js'
import type { SiteVerb } from './site.js'

/** Verbs of links. */
export const linkVerbs: Readonly<Record<string, SiteVerb>> = {
  /** cut A B [oneway]: nothing passes between two nodes, or nothing from A to B */
  cut: ({ mesh }, [a = '', b = '', how]) => {
    mesh.block(a, b, true)
    if (how !== 'oneway') mesh.block(b, a, true)
  },
  /** mend A B: undoes a cut */
  mend: ({ mesh }, [a = '', b = '']) => {
    mesh.block(a, b, false)
    mesh.block(b, a, false)
  },
  /** split NODE...: nothing passes between these and the others */
  split: ({ mesh, roster }, words) => {
    const side = new Set(words)
    for (const [x, y] of pairs(roster.nodes.keys())) if (side.has(x) !== side.has(y)) mesh.block(x, y, true)
  },
  /** mendall: undoes every cut and split */
  mendall: ({ mesh, roster }) => {
    for (const [x, y] of pairs(roster.nodes.keys())) mesh.block(x, y, false)
  },
  /** clog A B MS: what A sends to B takes so much longer */
  clog: ({ mesh }, [a = '', b = '', ms]) => mesh.links.clog(a, b, Number(ms)),
  /** lag A B MS: heartbeats from A to B come so much later than other frames */
  lag: ({ mesh }, [a = '', b = '', ms]) => mesh.links.lag(a, b, Number(ms)),
  /** loss PROBABILITY: of each message of gossip on each link */
  loss: ({ mesh }, [probability]) => {
    mesh.links.quality.loss = Number(probability)
  },
  /** hush A B: all gossip between two nodes is lost, for as long as it takes */
  hush: ({ mesh }, [a = '', b = '']) => hush(mesh, a, b, true),
  /** unhush A B: undoes it */
  unhush: ({ mesh }, [a = '', b = '']) => hush(mesh, a, b, false),
  /** duplicate PROBABILITY: that a message of gossip comes twice */
  duplicate: ({ mesh }, [probability]) => {
    mesh.links.quality.duplication = Number(probability)
  },
  /** late MS: so much later some gossip comes at most, so that it is overtaken */
  late: ({ mesh }, [ms]) => {
    mesh.links.quality.lateMs = Number(ms)
  },
}

function hush({ links }: SimMesh, a: string, b: string, isHushed: boolean): void {
  links.setHushed(a, b, isHushed)
  links.setHushed(b, a, isHushed)
}

/** Every ordered pair of different names. */
function pairs(names: Iterable<string>): [string, string][] {
  const all = [...names]
  return all.flatMap((x) => all.filter((y) => y !== x).map((y): [string, string] => [x, y]))
}
