/** PURE: the language of the lab's scripts, read into statements. docs/LAB.md describes it. */
import { parseDurationMs } from '../duration.js'
import { fillKeysMax, pauseMsMax, scriptBytesMax, scriptLinesMax } from './limits.js'
import { parseLoss, parseRate, type Slowness, slownessProblem } from './links.js'
import { LineProblem, readWords, type Word } from './words.js'

/** Nodes by name or number, or all that run. */
export type Target = readonly string[] | 'all'

/** Expected outcome of a command. */
export type LineOutcome =
  | { readonly kind: 'is'; readonly text: string }
  | { readonly kind: 'contains'; readonly text: string }
  | { readonly kind: 'fails'; readonly exit: number }

/** One line of a script. */
export type Statement =
  | { readonly kind: 'up'; readonly count: number; readonly flags: readonly string[] }
  | { readonly kind: 'split'; readonly groups: readonly (readonly string[])[] }
  | { readonly kind: 'heal' }
  | { readonly kind: 'slow'; readonly groups: readonly (readonly string[])[]; readonly slowness: Slowness }
  /** `slow --off`. */
  | { readonly kind: 'fast' }
  | { readonly kind: 'kill' | 'stop' | 'start'; readonly nodes: readonly string[] }
  | { readonly kind: 'equal' }
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'fill'; readonly node: string; readonly prefix: string; readonly count: number }
  | { readonly kind: 'echo'; readonly text: string }
  | { readonly kind: 'run'; readonly on: Target; readonly words: readonly string[] }
  | { readonly kind: 'expect'; readonly on: Target; readonly words: readonly string[]; readonly outcome: LineOutcome }

/** A statement and the number of its line, from 1 on. */
export interface ScriptLine {
  readonly line: number
  readonly statement: Statement
}

/** A script that is malformed at a line. */
export class ScriptProblem extends Error {
  constructor(
    readonly line: number,
    readonly expected: string,
    readonly found: string,
  ) {
    super(`line ${line}: expected ${expected}, found ${found}`)
  }
}

/** Reads a script. Throws ScriptProblem for the first line that is malformed. */
export function parseScript(text: string): ScriptLine[] {
  if (text.length > scriptBytesMax) throw new ScriptProblem(1, `at most ${scriptBytesMax} characters`, 'more')
  const lines = text.split(/\r?\n/)
  if (lines.length > scriptLinesMax) throw new ScriptProblem(scriptLinesMax, `at most ${scriptLinesMax} lines`, 'more')
  return lines.flatMap((one, at) => {
    const statement = parseLine(one, at + 1)
    return statement === undefined ? [] : [{ line: at + 1, statement }]
  })
}

function parseLine(text: string, line: number): Statement | undefined {
  try {
    const words = readWords(text)
    return words.length === 0 ? undefined : statementOf(words)
  } catch (error) {
    if (error instanceof LineProblem) throw new ScriptProblem(line, error.expected, error.found)
    throw error
  }
}

const keywords = 'up, split, heal, slow, kill, stop, start, wait, fill, echo, expect'

function statementOf(words: readonly Word[]): Statement {
  const [first, ...rest] = words
  if (first!.isQuoted) throw new LineProblem(`a statement (${keywords}) or NAME:`, `'${first!.text}' in quotes`)
  const parse = Object.hasOwn(statements, first!.text) ? statements[first!.text as keyof typeof statements] : undefined
  if (parse !== undefined) return parse(rest)
  const { on, words: command } = targeted(words, `a statement (${keywords}) or NAME:`)
  if (command.length === 0) throw new LineProblem('a command behind the colon', 'the end of the line')
  return { kind: 'run', on, words: command.map(({ text }) => text) }
}

const statements = {
  up: (words: readonly Word[]): Statement => {
    const [count, ...flags] = words
    return { kind: 'up', count: whole(count, 'the number of nodes', 99), flags: flags.map(({ text }) => text) }
  },
  split: (words: readonly Word[]): Statement => {
    if (words.length === 0) throw new LineProblem('groups, for example ann,bob cid', 'the end of the line')
    return { kind: 'split', groups: words.map(({ text }) => listOf(text)) }
  },
  heal: (words: readonly Word[]): Statement => alone(words, { kind: 'heal' }),
  slow: slowOf,
  kill: (words: readonly Word[]): Statement => ({ kind: 'kill', nodes: namesOf(words) }),
  stop: (words: readonly Word[]): Statement => ({ kind: 'stop', nodes: namesOf(words) }),
  start: (words: readonly Word[]): Statement => ({ kind: 'start', nodes: namesOf(words) }),
  wait: waitOf,
  fill: (words: readonly Word[]): Statement => {
    const [node, prefix, count, ...more] = words
    if (node === undefined || prefix === undefined)
      throw new LineProblem('fill NODE PREFIX COUNT', 'the end of the line')
    const made = whole(count, 'the number of keys', fillKeysMax)
    return alone(more, { kind: 'fill', node: node.text, prefix: prefix.text, count: made })
  },
  echo: (words: readonly Word[]): Statement => ({ kind: 'echo', text: joined(words) }),
  expect: expectOf,
}

function alone(words: readonly Word[], statement: Statement): Statement {
  if (words.length > 0) throw new LineProblem('the end of the line', `'${words[0]!.text}'`)
  return statement
}

function joined(words: readonly Word[]): string {
  return words.map(({ text }) => text).join(' ')
}

function whole(word: Word | undefined, what: string, most: number): number {
  const text = word?.text ?? ''
  if (/^\d{1,9}$/.test(text) && Number(text) >= 1 && Number(text) <= most) return Number(text)
  throw new LineProblem(`${what}, 1 to ${most}`, word === undefined ? 'the end of the line' : `'${text}'`)
}

function listOf(text: string): string[] {
  const names = text.split(',')
  if (names.includes('')) throw new LineProblem('names of nodes with commas between', `'${text}'`)
  return names
}

function namesOf(words: readonly Word[]): string[] {
  if (words.length === 0) throw new LineProblem('a node', 'the end of the line')
  return words.flatMap(({ text }) => listOf(text))
}

function slowOf(words: readonly Word[]): Statement {
  if (words[0]?.text === '--off') return alone(words.slice(1), { kind: 'fast' })
  const groups: string[][] = []
  let slowness: Slowness = {}
  for (let at = 0; at < words.length; at++) {
    const { text } = words[at]!
    if (!text.startsWith('--')) groups.push(listOf(text))
    else slowness = { ...slowness, ...slownessOf(text, words[++at]?.text ?? '') }
  }
  const problem = slownessProblem(slowness)
  if (problem !== undefined) throw new LineProblem(`another number: ${problem}`, `'${joined(words)}'`)
  if (Object.keys(slowness).length > 0) return { kind: 'slow', groups, slowness }
  throw new LineProblem('--delay 100ms, --loss 2% or --rate 64KiB, or --off', 'none of them')
}

/** The slowness that one flag means. Throws LineProblem. */
export function slownessOf(flag: string, value: string): Slowness {
  const [delayMs, lossPercent, bytesPerSecond] = [parseDurationMs(value), parseLoss(value), parseRate(value)]
  if (flag === '--delay' && delayMs !== undefined) return { delayMs }
  if (flag === '--loss' && lossPercent !== undefined) return { lossPercent }
  if (flag === '--rate' && bytesPerSecond !== undefined) return { bytesPerSecond }
  throw new LineProblem('--delay 100ms, --loss 2% or --rate 64KiB', `'${flag} ${value}'`)
}

function waitOf(words: readonly Word[]): Statement {
  const [what, ...more] = words
  if (what?.text === 'equal') return alone(more, { kind: 'equal' })
  const ms = parseDurationMs(what?.text ?? '')
  if (ms === undefined || ms > pauseMsMax) {
    const found = what === undefined ? 'the end of the line' : `'${what.text}'`
    throw new LineProblem(`equal, or a time up to ${pauseMsMax / 60_000}m such as 500ms`, found)
  }
  return alone(more, { kind: 'pause', ms })
}

/** `ann:`, `ann,bob:`, `all:`, each with `on` before it or not. */
function targeted(words: readonly Word[], expected: string): { on: Target; words: readonly Word[] } {
  const isOn = words[0]?.text === 'on' && !words[0].isQuoted && words.length > 1
  const [target, ...rest] = isOn ? words.slice(1) : words
  if (target === undefined) throw new LineProblem(expected, 'the end of the line')
  if (target.isQuoted || !target.text.endsWith(':') || target.text === ':')
    throw new LineProblem(expected, `'${target.text}'`)
  const name = target.text.slice(0, -1)
  return { on: name === 'all' ? 'all' : listOf(name), words: rest }
}

/** The words that end a command which is expected to do something. */
export const outcomes: readonly string[] = ['=', 'contains', 'fails']

function expectOf(words: readonly Word[]): Statement {
  const { on, words: rest } = targeted(words, 'NAME: or on all:')
  const at = rest.findIndex(({ text, isQuoted }) => !isQuoted && outcomes.includes(text))
  const found = at < 0 ? 'the end of the line' : `'${rest[at]!.text}'`
  if (at === 0 || rest.length === 0) throw new LineProblem('a command behind the colon', found)
  if (at < 0) throw new LineProblem('= TEXT, contains TEXT, or fails EXITCODE', found)
  const command = rest.slice(0, at).map(({ text }) => text)
  return { kind: 'expect', on, words: command, outcome: outcomeOf(rest[at]!.text, rest.slice(at + 1)) }
}

function outcomeOf(kind: string, words: readonly Word[]): LineOutcome {
  if (kind === '=') return { kind: 'is', text: joined(words) }
  if (kind === 'contains') {
    if (words.length > 0) return { kind, text: joined(words) }
    throw new LineProblem('a text behind contains', 'the end of the line')
  }
  const [code, ...more] = words
  const exit = whole(code, 'an exit code', 7)
  if (more.length > 0) throw new LineProblem('the end of the line', `'${more[0]!.text}'`)
  return { kind: 'fails', exit }
}
