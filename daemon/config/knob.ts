/** The type of a setting ("knob"), and a maker for each kind; the table of them all is in knobs.ts. */
import type { Want } from '../../protocols/membership/types.js'
import { parseAcks, parseDuration, parseSize, parseSwitch } from './parse.js'

/** Facts of the machine that a default may depend on. */
export interface KnobSurroundings {
  readonly home: string
  readonly hostname: string
  /** The default data directory. */
  readonly dataDirectory: string
}

/** One setting: where it may be set, what it means, how it is read. */
export interface Knob<T> {
  /** `duration` and `size` values are milliseconds and bytes once parsed. */
  readonly unit: 'duration' | 'size' | 'text' | 'list' | 'switch' | 'choice' | 'table'
  readonly fallback: (surroundings: KnobSurroundings) => T
  /** Its effect, in one sentence. */
  readonly about: string
  /** Its trade-off: benefits and costs of another value. */
  readonly tradeOff: string
  /** Reads a value of a file, a variable or a flag. Throws an Error that says what is wrong with it. */
  readonly parse: (raw: unknown) => T
  /** The default that the example file shows, where it depends on the machine. */
  readonly example?: string
  /** A secret is never shown. */
  readonly isSecret?: boolean
  /** False: no environment variable (the name belongs to the command line). */
  readonly hasVariable?: boolean
}

interface Texts {
  readonly about: string
  readonly tradeOff: string
  readonly example?: string
  readonly isSecret?: boolean
  readonly hasVariable?: boolean
}

function needText(raw: unknown): string {
  if (typeof raw !== 'string') throw new Error('a text is needed')
  if (raw.length === 0) throw new Error('it may not be empty')
  return raw
}

function inRange(value: number, bounds: { min: number; max: number }, show: string): number {
  if (value < bounds.min || value > bounds.max) throw new Error(`${show} is out of its range`)
  return value
}

/** A duration in milliseconds within bounds. */
export function durationKnob(fallbackMs: number, bounds: { min: number; max: number }, texts: Texts): Knob<number> {
  const parse = (raw: unknown) => {
    if (typeof raw === 'number') throw new Error(`${raw} has no unit; write for example '${raw}s'`)
    return inRange(parseDuration(needText(raw)), bounds, `${raw}`)
  }
  return { unit: 'duration', fallback: () => fallbackMs, parse, ...texts }
}

/** A size in bytes within bounds. */
export function sizeKnob(fallbackBytes: number, bounds: { min: number; max: number }, texts: Texts): Knob<number> {
  const parse = (raw: unknown) =>
    inRange(parseSize(typeof raw === 'number' ? `${raw}` : needText(raw)), bounds, `${raw}`)
  return { unit: 'size', fallback: () => fallbackBytes, parse, ...texts }
}

/** A switch. */
export function switchKnob(fallback: boolean, texts: Texts): Knob<boolean> {
  return { unit: 'switch', fallback: () => fallback, parse: parseSwitch, ...texts }
}

/** One of a few words. */
export function choiceKnob<const T extends string>(fallback: T, choices: readonly T[], texts: Texts): Knob<T> {
  const parse = (raw: unknown) => {
    const found = choices.find((choice) => choice === raw)
    if (found === undefined) throw new Error(`'${String(raw)}' is not one of ${choices.join(', ')}`)
    return found
  }
  return { unit: 'choice', fallback: () => fallback, parse, ...texts }
}

/** A number of nodes, `majority` or `all`. */
export function acksKnob(texts: Texts): Knob<Want> {
  return { unit: 'choice', fallback: () => 1, parse: (raw) => parseAcks(String(raw)), ...texts }
}

/** A text; `check` throws an Error for a wrong one. */
export function textKnob<T extends string | null>(
  fallback: (surroundings: KnobSurroundings) => T,
  texts: Texts,
  check: (text: string) => void = () => {},
): Knob<string | T> {
  const parse = (raw: unknown) => {
    const text = needText(raw)
    check(text)
    return text
  }
  return { unit: 'text', fallback, parse, ...texts }
}

/** A list of texts, separated by commas in a variable. */
export function listKnob(
  fallback: readonly string[],
  texts: Texts,
  check: (text: string) => void = () => {},
): Knob<readonly string[]> {
  const parse = (raw: unknown) => {
    const list = Array.isArray(raw)
      ? raw.map(needText)
      : needText(raw)
          .split(',')
          .map((item) => item.trim())
    for (const item of list) check(needText(item))
    return Object.freeze(list)
  }
  return { unit: 'list', fallback: () => fallback, parse, ...texts }
}
