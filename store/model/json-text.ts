/** JSON that keeps what JSON.parse loses: how a number is spelt, the order of keys, and keys such as `__proto__`. */
import { isUtf8 } from 'node:buffer'
import { jsonDepthMax } from './limits.js'

/** A number as it is spelt. */
export class JsonNumber {
  constructor(readonly text: string) {}
}

/** A value of JSON. */
export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | ReadonlyMap<string, JsonValue>

/**
 * Reads a JSON text. Undefined for bytes that are none (UTF-8 without a byte order mark), that nest deeper than
 * `jsonDepthMax`, or in which an object names a key twice: what such an object means depends on who reads it.
 */
export function readJson(bytes: Uint8Array): JsonValue | undefined {
  if (!isUtf8(bytes) || nestsTooDeep(bytes)) return undefined
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
  try {
    JSON.parse(text)
    return new Reader(text, 'refuse').value()
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/**
 * True if objects and arrays are nested deeper than `jsonDepthMax`. Must be called before anything else looks at a
 * text: JSON.parse takes seconds for a megabyte of brackets, and recursion over the result overflows the stack.
 */
export function nestsTooDeep(bytes: Uint8Array): boolean {
  let depth = 0
  let isInText = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === 0x22) isInText = !isInText
    else if (isInText) at += byte === 0x5c ? 1 : 0
    else if (byte === 0x5b || byte === 0x7b) depth++
    else if (byte === 0x5d || byte === 0x7d) depth--
    if (depth > jsonDepthMax) return true
  }
  return false
}

/**
 * The first number of a JSON text that JSON.parse would not give back as it is spelt: one of 2^53 or more that a double
 * rounds, or beyond what a double can hold, or so small that it becomes zero. `path` is where it stands, as a JSON
 * pointer (RFC 6901). Undefined when there is none. The text must be one that JSON.parse takes and that does not nest
 * too deep. `member`: only this member of the object is looked at, and paths begin there.
 */
export function roundedNumber(
  text: string,
  member?: string,
): { readonly path: string; readonly spelt: string } | undefined {
  if (!mayHoldRounded.test(text)) return undefined
  const steps: (string | number)[] = []
  const find = (value: JsonValue): string | undefined => {
    if (value instanceof JsonNumber) return isRounded(value.text) ? value.text : undefined
    const members = value instanceof Map || Array.isArray(value) ? value.entries() : []
    for (const [key, inner] of members as Iterable<[string | number, JsonValue]>) {
      steps.push(key)
      const found = find(inner)
      if (found !== undefined) return found
      steps.pop()
    }
    return undefined
  }
  const whole = new Reader(text, 'lastCounts').value()
  const spelt = find(member === undefined ? whole : whole instanceof Map ? (whole.get(member) ?? null) : null)
  if (spelt === undefined) return undefined
  const path = steps.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  return { path, spelt }
}

/** Texts that may hold a number that is rounded: it has sixteen digits in a row, or an exponent. */
const mayHoldRounded = /\d{16}|\d[eE]/
/** Digits that tell two doubles apart, always. */
const doubleDigits = 17

function isRounded(spelt: string): boolean {
  const read = Number(spelt)
  if (!Number.isFinite(read)) return true
  if (Math.abs(read) <= Number.MAX_SAFE_INTEGER) return read === 0 && /[1-9]/.test(spelt.split(/[eE]/)[0]!)
  const plain = plainNumber(spelt)
  if (plain === plainNumber(String(read))) return false
  // A fraction or an exponent says that a double is meant, and some programs always write 17 digits of it.
  return !/[.eE]/.test(spelt) || plain !== plainNumber(read.toPrecision(doubleDigits))
}

/** The shortest text of a value; keys in their order, numbers as they were spelt. */
export function jsonText(value: JsonValue): string {
  if (value instanceof JsonNumber) return value.text
  if (value instanceof Map) return braced([...value].map(([key, inner]) => `${JSON.stringify(key)}:${jsonText(inner)}`))
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`
  return JSON.stringify(value)
}

/**
 * A text that two values share only when they are equal: neither the order of keys nor the spelling of numbers counts.
 */
export function equalityText(value: JsonValue): string {
  if (value instanceof JsonNumber) return plainNumber(value.text)
  if (Array.isArray(value)) return `[${value.map(equalityText).join(',')}]`
  if (!(value instanceof Map)) return JSON.stringify(value)
  return braced([...value].map(([key, inner]) => `${JSON.stringify(key)}:${equalityText(inner)}`).sort())
}

function braced(members: readonly string[]): string {
  return `{${members.join(',')}}`
}

const exponentDigitsMax = 12

/** The most common case of plainNumber, recognised without taking the number apart. */
const wholeWithoutEndingZero = /^-?\d*[1-9]$/

/** Sign, digits without zeros at either end, and a power of ten: `1`, `1.0` and `10e-1` are one number, exactly. */
function plainNumber(text: string): string {
  if (wholeWithoutEndingZero.test(text)) return `${text}e0`
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!
  if (exponent.length > exponentDigitsMax) return text
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const short = withoutEndingZeros(digits)
  if (short === '') return '0'
  return `${sign}${short}e${Number(exponent) - fraction.length + (digits.length - short.length)}`
}

/** Digits without the zeros at their end. A regular expression would take time in the square of a long row of zeros. */
function withoutEndingZeros(digits: string): string {
  let end = digits.length
  while (end > 0 && digits[end - 1] === '0') end--
  return digits.slice(0, end)
}

const isSpace = (code: number) => code === 0x20 || (code >= 0x09 && code <= 0x0d)
/** Digits, signs, point and exponent. */
const isOfNumber = (code: number) =>
  (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2b || code === 0x2e || code === 0x65 || code === 0x45
const words = { t: true, f: false, n: null } as const
const wordLengths = { t: 4, f: 5, n: 4 } as const

/** Reads a text that JSON.parse has taken and that does not nest too deep, so that neither is looked at again. */
class Reader {
  readonly #text: string
  readonly #onKeyTwice: 'refuse' | 'lastCounts'
  #at = 0

  constructor(text: string, onKeyTwice: 'refuse' | 'lastCounts') {
    this.#text = text
    this.#onKeyTwice = onKeyTwice
  }

  value(): JsonValue {
    this.#skip(isSpace)
    const first = this.#text[this.#at]!
    if (first === '{') return this.#object()
    if (first === '[') return this.#array()
    if (first === '"') return this.#string()
    if (first !== 't' && first !== 'f' && first !== 'n') return new JsonNumber(this.#skip(isOfNumber))
    this.#at += wordLengths[first]
    return words[first]
  }

  #object(): JsonValue {
    const members = new Map<string, JsonValue>()
    this.#members('}', () => {
      const key = this.#string()
      if (this.#onKeyTwice === 'refuse' && members.has(key)) throw new SyntaxError('a key stands twice')
      this.#skip(isSpace)
      this.#at++
      members.set(key, this.value())
    })
    return members
  }

  #array(): JsonValue {
    const items: JsonValue[] = []
    this.#members(']', () => items.push(this.value()))
    return items
  }

  /** From the opening bracket to behind the closing one; `read` is called for each member. */
  #members(closing: string, read: () => void): void {
    this.#at++
    this.#skip(isSpace)
    while (this.#text[this.#at] !== closing) {
      read()
      this.#skip(isSpace)
      if (this.#text[this.#at] === ',') this.#at++
      this.#skip(isSpace)
    }
    this.#at++
  }

  #string(): string {
    const start = this.#at
    let hasEscape = false
    for (let code = 0; code !== 0x22; ) {
      code = this.#text.charCodeAt(++this.#at)
      if (code !== 0x5c) continue
      hasEscape = true
      this.#at++
    }
    this.#at++
    const quoted = this.#text.slice(start, this.#at)
    return hasEscape ? (JSON.parse(quoted) as string) : quoted.slice(1, -1)
  }

  /** Goes past characters of a sort, and returns them. */
  #skip(isOfSort: (code: number) => boolean): string {
    const start = this.#at
    while (isOfSort(this.#text.charCodeAt(this.#at))) this.#at++
    return this.#text.slice(start, this.#at)
  }
}
