/** Values as the page shows and edits them. */
import type { Version } from '../../../../protocols/api/parts.js'
import { agoText, bytesText, clipped, counted } from './format.js'

/** Characters of a value that a summary shows. */
const summaryCharacters = 40
/** Bytes of a binary value that are shown. */
const hexBytesMax = 256

/** A value in JSON, as far as it is shown. */
export interface ShownValue {
  readonly value: string
  readonly encoding: 'utf8' | 'base64'
}

/** Number of bytes of a value. */
export function sizeOf({ value, encoding }: ShownValue): number {
  if (encoding === 'base64') return (value.replace(/=+$/, '').length * 3) >> 2
  let bytes = value.length
  for (const character of value) {
    const code = character.codePointAt(0)!
    bytes += code > 0xffff ? 2 : code > 0x7ff ? 2 : code > 0x7f ? 1 : 0
  }
  return bytes
}

/** A value in a few words. */
export function summaryText(shown: ShownValue): string {
  if (shown.encoding === 'base64') return `${bytesText(sizeOf(shown))} of binary data`
  return shown.value === '' ? 'empty text' : clipped(shown.value.replaceAll(/\s+/g, ' '), summaryCharacters)
}

/** True if a text is JSON of an object or an array: worth being formatted. */
export function isJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** The text of JSON with an indent of two; the text itself when it is no JSON. */
export function indented(text: string): string {
  return isJson(text) ? JSON.stringify(JSON.parse(text), null, 2) : text
}

/** The fault of a text that is meant to be JSON; null if it is. */
export function jsonFault(text: string): string | null {
  try {
    JSON.parse(text)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

/** The first bytes of a base64 value as lines of hexadecimal digits. */
export function hexText(base64: string): string {
  const bytes = Uint8Array.from(atob(base64.slice(0, Math.ceil(hexBytesMax / 3) * 4)), (character) =>
    character.charCodeAt(0),
  )
  const digits = [...bytes.subarray(0, hexBytesMax)].map((byte) => byte.toString(16).padStart(2, '0'))
  const lines = Array.from({ length: Math.ceil(digits.length / 16) }, (_, at) =>
    digits.slice(at * 16, at * 16 + 16).join(' '),
  )
  return lines.join('\n')
}

/** Sentence on what a write has superseded. */
export function supersededText(versions: readonly Version[], nowMs: number): string {
  if (versions.length === 0) return 'Saved. Nothing was there before.'
  if (versions.length > 1) {
    return `Saved. It superseded ${counted(versions.length, 'version')}: ${versions.map((one) => `“${summaryText(one)}” by ${one.node}`).join(', ')}.`
  }
  const [{ node, time }] = versions as [Version]
  return `Saved. It superseded “${summaryText(versions[0]!)}”, which ${node} wrote ${agoText(time, nowMs)}.`
}

/** Names of types as people say them, by their tags. */
export const typeNouns: Readonly<Record<string, string>> = {
  reg: 'value',
  ctr: 'counter',
  set: 'set',
  map: 'map',
  doc: 'document',
}

/** The name of a type as people say it. */
export function typeNoun(tag: string): string {
  return typeNouns[tag] ?? tag
}
