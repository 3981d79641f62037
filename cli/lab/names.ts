/** PURE: the names of the nodes of a lab, and how people name them and groups of them. */
import { HearsayApiError, UsageError } from '../failure.js'
import { nodesMax } from './limits.js'

const names = 'ann bob cid dan eve fay gus hal ivy jon kit leo mia ned ola pam'.split(' ')

/** The names of so many nodes. Throws UsageError for more than there may be, or none. */
export function nodeNames(count: number): readonly string[] {
  if (Number.isInteger(count) && count >= 1 && count <= nodesMax) return names.slice(0, count)
  throw new UsageError(`a lab has 1 to ${nodesMax} nodes, not ${count}`)
}

/** A node by its name, or by its number from 1 on. Throws HearsayApiError NOT_FOUND that lists the nodes. */
export function nodeOf(word: string, nodes: readonly string[]): string {
  const found = nodes.find((name, at) => name === word || String(at + 1) === word)
  if (found !== undefined) return found
  const message = `there is no node '${word}' in this lab: ${nodes.join(' ')}, or 1 to ${nodes.length}`
  throw new HearsayApiError('NOT_FOUND', 0, message, { nodes })
}

/** Nodes that are named in one word with commas between. Throws NOT_FOUND, or UsageError when a node occurs twice. */
export function nodesOf(word: string, nodes: readonly string[]): readonly string[] {
  const found = word.split(',').map((one) => nodeOf(one, nodes))
  const twice = found.find((name, at) => found.indexOf(name) < at)
  if (twice === undefined) return found
  throw new UsageError(`'${word}' names ${twice} twice`)
}

/**
 * Groups of nodes, one a word with commas between the nodes. The nodes that are not named are one more group, so that
 * `split cid` cuts cid off from all others.
 * @throws UsageError when a node is in two groups, or there would be fewer than two
 */
export function groupsOf(words: readonly (readonly string[])[], nodes: readonly string[]): readonly string[][] {
  const groups = words.map((group) => [...nodesOf(group.join(','), nodes)])
  const named = groups.flat()
  const twice = named.find((name, at) => named.indexOf(name) < at)
  if (twice !== undefined) throw new UsageError(`${twice} is in two groups: name each node once`)
  const others = nodes.filter((name) => !named.includes(name))
  const all = others.length > 0 ? [...groups, others] : groups
  if (all.length >= 2) return all
  throw new UsageError('this leaves all nodes in one group: name two groups, for example `ann,bob cid,dan,eve`')
}

/** `ann bob | cid dan eve`. */
export function groupsText(groups: readonly (readonly string[])[]): string {
  return groups.map((group) => group.join(' ')).join(' | ')
}

const numbers = 'no one two three four five six seven eight nine ten eleven twelve'.split(' ')

/** A small number in words, a large one in digits. */
export function numberText(number: number): string {
  return numbers[number] ?? String(number)
}
