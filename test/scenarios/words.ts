/** The words of a command: names first, then options such as `ttl=30s`. */
import { ScenarioError, type ScenarioStage } from './stage.js'

/** What a command does; returns the lines that it prints. */
export type Command = (stage: ScenarioStage, words: readonly string[]) => Promise<readonly string[]> | readonly string[]

/** Commands by their first word. */
export type Commands = Readonly<Record<string, Command>>

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A duration such as `250ms`, `5s`, `2m`, `1h` or `365d`, with or without a sign, in milliseconds. */
export function durationMs(text: string): number {
  const found = /^([+-]?\d+)(ms|s|m|h|d)$/.exec(text)
  if (found === null) throw new ScenarioError(`not a duration: ${text}`)
  return Number(found[1]) * unitsMs[found[2]!]!
}

/** Separates options (`name=value`, or a bare name of `flags`) from the other words. Throws on an unknown option. */
export function optionsOf(
  words: readonly string[],
  known: readonly string[],
  flags: readonly string[] = [],
): { plain: string[]; options: Map<string, string> } {
  const plain: string[] = []
  const options = new Map<string, string>()
  for (const word of words) {
    const [name = '', value] = word.split('=', 2)
    if (value === undefined && flags.includes(word)) options.set(word, '')
    else if (value === undefined) plain.push(word)
    else if (known.includes(name)) options.set(name, value)
    else throw new ScenarioError(`unknown option: ${word}`)
  }
  return { plain, options }
}

/** Throws unless the words are as many as their names. */
export function expectWords(words: readonly string[], names: string): void {
  const count = names.split(' ').length
  if (words.length !== count) throw new ScenarioError(`expected: ${names}`)
}
