/** The template language: what is printed from a model is parsed to it again, and rendered as the model says. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commonPrefix, needsOf, renderTemplate, type TemplateValues } from '../../cli/render/rendering.js'
import { type Part, parseTemplate } from '../../cli/render/template.js'

const form = fc.constantFrom('plain' as const, 'json' as const)
const name = fc.oneof(
  fc.string({ minLength: 1, unit: 'grapheme' }),
  fc.constantFrom('each', 'end', 'or', 'as', '.key', '#x', 'a b', 'a/b', '}}', '{{', '"'),
)
const text = fc.oneof(
  fc.string({ minLength: 1, unit: 'grapheme' }),
  fc.constantFrom('{{', '}}', '{', '{{{', '\n', '"', '{{{{ x'),
)
const textPart = fc.record({ kind: fc.constant('text' as const), text })
const valuePart = fc.record({
  kind: fc.constant('value' as const),
  key: name,
  otherwise: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
  form,
})
const itemPart = fc.record({
  kind: fc.constant('item' as const),
  of: fc.constantFrom('key' as const, 'name' as const, 'value' as const),
  form,
})
const eachPart = fc.record({
  kind: fc.constant('each' as const),
  prefix: name,
  parts: fc.array(fc.oneof(textPart, valuePart, itemPart), { maxLength: 5 }),
})
const template = fc.array(fc.oneof(textPart, valuePart, eachPart), { maxLength: 8 })

/** A word as a template writes it; plain where that means the same. */
const word = (value: string) =>
  /^[\w/-]+$/.test(value) && !['each', 'end', 'or', 'as'].includes(value) ? value : JSON.stringify(value)
const suffix = (value: 'plain' | 'json') => (value === 'json' ? ' as json' : '')

/** Text of a template that means these parts; tags of an each share no line with white space alone. */
function printed(parts: readonly Part[]): string {
  return parts
    .map((part) => {
      if (part.kind === 'text') return part.text.replaceAll('{{', '{{{{')
      if (part.kind === 'item') return `{{ .${part.of}${suffix(part.form)} }}`
      if (part.kind === 'each') return `{{each ${word(part.prefix)}}}${printed(part.parts)}{{ end }}`
      return `{{ ${word(part.key)}${part.otherwise === undefined ? '' : ` or ${JSON.stringify(part.otherwise)}`}${suffix(part.form)} }}`
    })
    .join('')
}

/** Whether what is printed means the same again: a brace before a tag, or a structure alone on its line, does not. */
function isPlain(parts: readonly Part[]): boolean {
  return parts.every((part, at) => {
    if (part.kind === 'each') {
      return isPlain(part.parts) && !/^\s*$/.test(lineBefore(parts, at)) && !isBlankStart(part.parts)
    }
    return part.kind !== 'text' || !part.text.endsWith('{')
  })
}

const lineBefore = (parts: readonly Part[], at: number) => {
  const before = parts[at - 1]
  return before === undefined ? '' : before.kind === 'text' ? before.text.slice(before.text.lastIndexOf('\n') + 1) : 'x'
}
const isBlankStart = (parts: readonly Part[]) => {
  const last = parts.at(-1)
  return last === undefined || (last.kind === 'text' && /(?:^|\n)[ \t]*$/.test(last.text))
}

/** Neighbouring texts are one, as the parser reads them. */
function joined(parts: readonly Part[]): Part[] {
  const all: Part[] = []
  for (const part of parts) {
    const last = all.at(-1)
    if (part.kind === 'text' && last?.kind === 'text')
      all[all.length - 1] = { kind: 'text', text: last.text + part.text }
    else all.push(part.kind === 'each' ? { ...part, parts: joined(part.parts) } : part)
  }
  return all
}

const bytes = (value: string) => Buffer.from(value, 'utf8')
const none: TemplateValues = { value: () => undefined, below: () => [] }
const render = (source: string, values: Record<string, string> = {}) =>
  renderTemplate(parseTemplate(source), {
    value: (key) => (values[key] === undefined ? undefined : bytes(values[key])),
    below: (prefix) =>
      Object.keys(values)
        .filter((key) => key.startsWith(prefix))
        .map((key) => ({ key, value: bytes(values[key]!) })),
  })
const rendered = (source: string, values?: Record<string, string>) => render(source, values).bytes.toString()

describe('the template language', () => {
  it('parses what is printed from any template to that template', () => {
    fc.assert(
      fc.property(template.map(joined).filter(isPlain), (parts) => {
        expect(parseTemplate(printed(parts))).toEqual(parts)
      }),
      { numRuns: 500 },
    )
  })

  it('renders text without tags as it is, and any other template as its parts say', () => {
    const values = fc.dictionary(fc.constantFrom('a', 'a/b', 'a/c', 'b'), fc.string({ unit: 'grapheme' }))
    const key = fc.constantFrom('a', 'a/b', 'b', 'none')
    const small = fc.array(
      fc.oneof(
        textPart,
        fc.record({
          ...{ kind: fc.constant('value' as const) },
          key,
          otherwise: fc.option(fc.constant('else'), { nil: undefined }),
          form,
        }),
      ),
    )
    fc.assert(
      fc.property(small.map(joined).filter(isPlain), values, (parts, given) => {
        const result = render(printed(parts), given)
        const expected = parts.map((part) => {
          if (part.kind === 'text') return part.text
          const value = part.kind === 'value' ? (given[part.key] ?? part.otherwise) : undefined
          return value === undefined
            ? ''
            : part.kind === 'value' && part.form === 'json'
              ? JSON.stringify(value)
              : value
        })
        expect(result.bytes.toString()).toBe(expected.join(''))
        const missing = parts.flatMap((part) =>
          part.kind === 'value' && part.otherwise === undefined && given[part.key] === undefined ? [part.key] : [],
        )
        expect(result.missing).toEqual([...new Set(missing)])
      }),
    )
  })

  it('refuses everything else with a place, and never fails otherwise', () => {
    const pieces = fc.array(
      fc.constantFrom('{{', '}}', 'each', 'end', ' ', '"', 'a', 'or', 'as', 'json', '.value', '\n', '#', '\\', '{'),
    )
    fc.assert(
      fc.property(
        fc.oneof(
          pieces.map((all) => all.join('')),
          fc.string({ unit: 'binary' }),
        ),
        (source) => {
          try {
            renderTemplate(parseTemplate(source), none)
          } catch (error) {
            expect(error).toMatchObject({ code: 'BAD_TEMPLATE', exit: 2 })
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it.each([
    ['{{ }}', 'line 1, column 1: this tag is empty'],
    ['a\n b{{ x', 'line 2, column 3: this tag is not closed'],
    ['{{ a b }}', 'KEY [or DEFAULT] [as json]'],
    ['{{ a or }}', 'KEY [or DEFAULT] [as json]'],
    ['{{ a as text }}', 'KEY [or DEFAULT] [as json]'],
    ['{{ "a\\q" }}', 'no JSON string'],
    ['{{ each a }}', 'no {{ end }}'],
    ['{{ each a }}{{ each b }}{{ end }}{{ end }}', 'inside another one'],
    ['{{ end }}', 'no {{ each PREFIX }}'],
    ['{{ each }}{{ end }}', 'one PREFIX'],
    ['{{ .value }}', 'here is none'],
    ['{{ each a }}{{ .size }}{{ end }}', '.key, .name and .value'],
    ['{{ .value or x }}', 'without a default'],
  ])('%j is refused: %s', (source, reason) => {
    expect(() => parseTemplate(source)).toThrow(reason)
  })

  it('renders keys, defaults, JSON, lists and comments', () => {
    const values = { 'db/host': 'h', 'web/a': '10.0.0.1', 'web/b': 'say "hi"', 'a key': '1' }
    expect(rendered('{{db/host}}:{{ db/port or 5432 }} {{ "a key" }} {{ db/host as json }}', values)).toBe(
      'h:5432 1 "h"',
    )
    const list =
      'upstream {\n  {{ each web/ }}\n  server {{ .name }} {{ .value as json }} # {{ .key }}\n  {{ end }}\n}\n'
    expect(rendered(list, values)).toBe(
      'upstream {\n  server a "10.0.0.1" # web/a\n  server b "say \\"hi\\"" # web/b\n}\n',
    )
    expect(rendered('a\n{{# of no use }}\nb {{# here }}c {{{{ $labels }} {{ x or "" }}|\n')).toBe(
      'a\nb c {{ $labels }} |\n',
    )
    expect(rendered('[{{ each web/ }}{{ .name }},{{ end }}]', values)).toBe('[a,b,]')
    expect(rendered('{{ each web/ }}\r\n{{ .name }}\r\n{{ end }}', values)).toBe('a\r\nb\r\n')
  })

  it('inserts bytes as they are, and refuses them as JSON', () => {
    const values = { value: () => Uint8Array.of(0, 255), below: () => [] }
    expect(renderTemplate(parseTemplate('{{ k }}'), values).bytes).toEqual(Buffer.from([0, 255]))
    expect(() => renderTemplate(parseTemplate('{{ k as json }}'), values)).toThrow('is not UTF-8')
  })

  it('names what it reads, once, and the prefix of all of it', () => {
    const needs = needsOf(parseTemplate('{{ app/b }}{{ app/b }}{{ each app/🔑/ }}{{ .name }}{{ app/c or 1 }}{{ end }}'))
    expect(needs).toEqual({ keys: ['app/b', 'app/c'], prefixes: ['app/🔑/'] })
    expect(commonPrefix(needs)).toBe('app/')
    expect(commonPrefix({ keys: ['🔑', '🔒'], prefixes: [] })).toBe('')
    expect(commonPrefix({ keys: ['ab'], prefixes: ['a'] })).toBe('a')
    expect(commonPrefix({ keys: [], prefixes: [] })).toBe('')
  })
})
