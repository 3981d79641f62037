/** Renders a parsed template, and says what it reads. Pure. */
import { HearsayApiError } from '../failure.js'
import type { Form, Part } from './template.js'

/** Values of a rendering. */
export interface TemplateValues {
  /** The value of a key; undefined when there is none. */
  value(key: string): Uint8Array | undefined
  /** All values below a prefix, in the order of keys. */
  below(prefix: string): readonly { readonly key: string; readonly value: Uint8Array }[]
}

/** A rendering; with missing keys it is not to be used. */
export interface Rendering {
  readonly bytes: Buffer
  /** Keys without value and without default, in the order in which they were met. */
  readonly missing: readonly string[]
}

/** Keys and prefixes that a template reads. */
export interface TemplateNeeds {
  readonly keys: readonly string[]
  readonly prefixes: readonly string[]
}

/** The keys and prefixes that are read, each once. */
export function needsOf(parts: readonly Part[]): TemplateNeeds {
  const all = parts.flatMap((part) => (part.kind === 'each' ? [part, ...part.parts] : [part]))
  return {
    keys: [...new Set(all.flatMap((part) => (part.kind === 'value' ? [part.key] : [])))],
    prefixes: [...new Set(all.flatMap((part) => (part.kind === 'each' ? [part.prefix] : [])))],
  }
}

/** The longest prefix of all keys that are read. */
export function commonPrefix({ keys, prefixes }: TemplateNeeds): string {
  const [first = '', ...rest] = [...keys, ...prefixes]
  let characters = [...first]
  for (const text of rest) {
    const other = [...text]
    const differs = characters.findIndex((character, at) => character !== other[at])
    if (differs !== -1) characters = characters.slice(0, differs)
  }
  return characters.join('')
}

/**
 * Renders a template.
 * @throws HearsayApiError BAD_TEMPLATE when a value for `as json` is no text.
 */
export function renderTemplate(parts: readonly Part[], values: TemplateValues): Rendering {
  const missing = new Set<string>()
  const pieces = parts.flatMap((part) => piecesOf(part, values, missing))
  return { bytes: Buffer.concat(pieces), missing: [...missing] }
}

function piecesOf(part: Part, values: TemplateValues, missing: Set<string>): Uint8Array[] {
  if (part.kind === 'text') return [Buffer.from(part.text, 'utf8')]
  if (part.kind === 'value') {
    const value =
      values.value(part.key) ?? (part.otherwise === undefined ? undefined : Buffer.from(part.otherwise, 'utf8'))
    if (value === undefined) missing.add(part.key)
    return value === undefined ? [] : [formed(value, part.form, part.key)]
  }
  // The parser lets no item stand outside of an each.
  if (part.kind === 'item') throw new Error('an item outside of an each')
  return values.below(part.prefix).flatMap((item) =>
    part.parts.flatMap((inner) => {
      if (inner.kind !== 'item') return piecesOf(inner, values, missing)
      const { key, value } = item
      const shown = {
        key: () => Buffer.from(key),
        name: () => Buffer.from(key.slice(part.prefix.length)),
        value: () => value,
      }
      return [formed(shown[inner.of](), inner.form, key)]
    }),
  )
}

function formed(value: Uint8Array, form: Form, key: string): Uint8Array {
  if (form === 'plain') return value
  const text = Buffer.from(value).toString('utf8')
  if (Buffer.from(text, 'utf8').equals(value)) return Buffer.from(JSON.stringify(text))
  throw new HearsayApiError(
    'BAD_TEMPLATE',
    0,
    `the value of ${JSON.stringify(key)} is not UTF-8, which \`as json\` needs`,
  )
}
