/** PURE: the links of a lab that are cut, and those that are slow. */
import { delayMsMax, lossPercentMax, rateMax, rateMin, slowRulesMax } from './limits.js'

/** Slowness of a link, in each direction; where a property is absent, it is as fast as the machine. */
export interface Slowness {
  readonly delayMs?: number
  /** Packets that are lost and have to be sent again, in percent. */
  readonly lossPercent?: number
  readonly bytesPerSecond?: number
}

/** Slow links: all those between nodes of different groups, or every link when there are no groups. */
export interface SlowRule extends Slowness {
  readonly groups: readonly (readonly string[])[]
}

/** The state of all links. */
export interface Links {
  /** The sides of the cut; none: nothing is cut. */
  readonly groups: readonly (readonly string[])[]
  /** Of several rules for one link the last counts. */
  readonly slow: readonly SlowRule[]
}

/** All links as they are at first. */
export const openLinks: Links = { groups: [], slow: [] }

/** One link. */
export interface Link extends Slowness {
  readonly isCut: boolean
}

/** The link between two nodes; the same in both directions. */
export function linkBetween(links: Links, a: string, b: string): Link {
  const rule = links.slow.findLast(({ groups }) => groups.length === 0 || areApart(groups, a, b))
  const { groups: _groups, ...slowness } = rule ?? { groups: [] }
  return { isCut: areApart(links.groups, a, b), ...slowness }
}

/** The links with another rule; the oldest of too many is dropped. */
export function withSlow(links: Links, rule: SlowRule): Links {
  return { ...links, slow: [...links.slow, rule].slice(-slowRulesMax) }
}

/** The sides that a cut leaves; all nodes as one side when there is none. */
export function sidesOf(links: Links, nodes: readonly string[]): readonly (readonly string[])[] {
  return links.groups.length > 0 ? links.groups : [nodes]
}

function areApart(groups: readonly (readonly string[])[], a: string, b: string): boolean {
  const side = (node: string) => groups.findIndex((group) => group.includes(node))
  return side(a) !== side(b)
}

/** Says what is wrong with a slowness; undefined when nothing is. */
export function slownessProblem({ delayMs, lossPercent, bytesPerSecond }: Slowness): string | undefined {
  if (delayMs !== undefined && (delayMs < 0 || delayMs > delayMsMax)) return `a delay is at most ${delayMsMax / 1000}s`
  if (lossPercent !== undefined && !(lossPercent >= 0 && lossPercent <= lossPercentMax)) {
    return `a loss is 0% to ${lossPercentMax}%`
  }
  if (bytesPerSecond !== undefined && (bytesPerSecond < rateMin || bytesPerSecond > rateMax)) {
    return `a rate is ${rateMin}B to 1GiB a second`
  }
  return undefined
}

const unitBytes = { B: 1, kB: 1e3, MB: 1e6, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const

/** Reads a rate in bytes a second such as `64KiB` or `1MB`; undefined when the text is none. */
export function parseRate(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(B|kB|MB|KiB|MiB|GiB)$/.exec(text)
  return match === null ? undefined : Math.round(Number(match[1]) * unitBytes[match[2] as keyof typeof unitBytes])
}

/** Reads a loss in percent such as `2%`; undefined when the text is none. */
export function parseLoss(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)%$/.exec(text)
  return match === null ? undefined : Number(match[1])
}

/** `100ms each way, 2% lost, 64 KiB/s`; empty when nothing is slow. */
export function slownessText({ delayMs, lossPercent, bytesPerSecond }: Slowness): string {
  const parts = [
    delayMs === undefined ? '' : `${delayMs} ms each way`,
    lossPercent === undefined ? '' : `${lossPercent} % lost`,
    bytesPerSecond === undefined ? '' : `${bytesPerSecond.toLocaleString('en-US')} B/s`,
  ]
  return parts.filter((part) => part !== '').join(', ')
}

/** Reads what `JSON.stringify` made of links. Throws when it is something else. */
export function decodeLinks(text: string): Links {
  const { groups, slow } = objectOf(JSON.parse(text))
  if (areGroups(groups) && Array.isArray(slow) && slow.every((rule) => areGroups(objectOf(rule).groups))) {
    return { groups, slow }
  }
  throw new Error('these are no links of a lab')
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function areGroups(value: unknown): value is string[][] {
  return Array.isArray(value) && value.every((group) => Array.isArray(group))
}
