/** The template language of `hearsay render`: its parts, and its parser. Pure. docs/RECIPES.md describes it. */
import { HearsayApiError } from '../failure.js'

/** Form in which a value is inserted: byte for byte, or as one JSON string. */
export type Form = 'plain' | 'json'

/** Part of a template. */
export type Part = TextPart | ValuePart | EachPart | ItemPart

/** Text that is rendered as it is. */
export interface TextPart {
  readonly kind: 'text'
  readonly text: string
}

/** The value of a key, or a default. */
export interface ValuePart {
  readonly kind: 'value'
  readonly key: string
  readonly otherwise: string | undefined
  readonly form: Form
}

/** Parts that are rendered once for each value below a prefix, in the order of keys. */
export interface EachPart {
  readonly kind: 'each'
  readonly prefix: string
  readonly parts: readonly Part[]
}

/** Within an `each`: the key, the key without the prefix, or the value. */
export interface ItemPart {
  readonly kind: 'item'
  readonly of: 'key' | 'name' | 'value'
  readonly form: Form
}

interface Tag {
  readonly words: readonly Word[]
  readonly isComment: boolean
  /** Position of the `{{`, and behind the `}}`. */
  readonly start: number
  readonly end: number
}

interface Word {
  readonly text: string
  /** True if it is a string in quotes, which is never a keyword. */
  readonly isQuoted: boolean
}

const open = '{{'
const escapedOpen = '{{{{'
const items = ['key', 'name', 'value'] as const

/**
 * Parses a template.
 * @throws HearsayApiError BAD_TEMPLATE with line and column.
 */
export function parseTemplate(source: string): readonly Part[] {
  const parser = new Parser(source)
  return parser.parse()
}

class Parser {
  readonly #source: string
  #at = 0

  constructor(source: string) {
    this.#source = source
  }

  parse(): readonly Part[] {
    return this.#parts(undefined)
  }

  /** Parts up to the end of the template, or up to the `end` of the `each` at `within`. */
  #parts(within: Tag | undefined): Part[] {
    const parts: Part[] = []
    for (;;) {
      const tag = this.#textAndTag(parts)
      if (tag === undefined) {
        if (within !== undefined) throw this.#bad(within.start, 'this each has no {{ end }}')
        return parts
      }
      if (tag.isComment) continue
      const part = this.#partOf(tag, within !== undefined)
      if (part === 'end') {
        if (within === undefined) throw this.#bad(tag.start, 'this end has no {{ each PREFIX }} before it')
        return parts
      }
      parts.push(part)
    }
  }

  /** Adds the text up to the next tag; returns that tag, undefined at the end of the template. */
  #textAndTag(parts: Part[]): Tag | undefined {
    let text = ''
    for (;;) {
      const found = this.#source.indexOf(open, this.#at)
      text += this.#source.slice(this.#at, found === -1 ? undefined : found)
      if (found === -1) this.#at = this.#source.length
      if (found !== -1 && this.#source.startsWith(escapedOpen, found)) {
        text += open
        this.#at = found + escapedOpen.length
        continue
      }
      const tag = found === -1 ? undefined : this.#tag(found)
      if (tag !== undefined) {
        this.#at = tag.end
        if (isStructure(tag)) text = this.#withoutLine(tag, text)
      }
      if (text !== '') parts.push({ kind: 'text', text })
      return tag
    }
  }

  /** A comment, `each` or `end` that is alone on its line takes the line with it. */
  #withoutLine(tag: Tag, text: string): string {
    const lineStart = this.#source.lastIndexOf('\n', tag.start - 1) + 1
    const before = this.#source.slice(lineStart, tag.start)
    const after = /^[ \t]*(?:\r?\n|$)/.exec(this.#source.slice(tag.end))
    if (/[^ \t]/.test(before) || after === null) return text
    this.#at = tag.end + after[0].length
    return text.slice(0, text.length - before.length)
  }

  #tag(start: number): Tag {
    const token = /\s*(?:(}})|("(?:[^"\\\n]|\\.)*")|([^\s"{}]+))/y
    const comment = /\{\{\s*#[\s\S]*?\}\}/y
    comment.lastIndex = start
    if (comment.test(this.#source)) return { words: [], isComment: true, start, end: comment.lastIndex }
    const words: Word[] = []
    token.lastIndex = start + open.length
    for (;;) {
      const at = token.lastIndex
      const match = token.exec(this.#source)
      if (match === null)
        throw this.#bad(start, `this tag is not closed, or holds what is no word: ${this.#excerpt(at)}`)
      const [, closing, quoted, plain] = match
      if (closing !== undefined) return { words, isComment: false, start, end: token.lastIndex }
      words.push(
        quoted === undefined ? { text: plain!, isQuoted: false } : { text: this.#unquoted(quoted, at), isQuoted: true },
      )
    }
  }

  #unquoted(quoted: string, at: number): string {
    try {
      return JSON.parse(quoted) as string
    } catch {
      throw this.#bad(at, `${quoted} is no JSON string`)
    }
  }

  #partOf(tag: Tag, isInEach: boolean): Part | 'end' {
    const { words } = tag
    const [first, second] = words
    if (first === undefined) throw this.#bad(tag.start, 'this tag is empty: give a key')
    const isWord = (word: Word | undefined, text: string) => word !== undefined && !word.isQuoted && word.text === text
    if (isWord(first, 'end') && words.length === 1) return 'end'
    if (isWord(first, 'each')) {
      if (isInEach) throw this.#bad(tag.start, 'an each cannot be inside another one')
      if (second === undefined || words.length > 2) throw this.#bad(tag.start, 'each takes one PREFIX')
      return { kind: 'each', prefix: second.text, parts: this.#parts(tag) }
    }
    const rest = words.slice(1)
    const otherwise = isWord(rest[0], 'or') && rest[1] !== undefined ? rest.splice(0, 2)[1]!.text : undefined
    const isJson = isWord(rest[0], 'as') && isWord(rest[1], 'json')
    if (rest.length > (isJson ? 2 : 0)) {
      throw this.#bad(tag.start, `a tag is KEY [or DEFAULT] [as json]; put a key with spaces in quotes`)
    }
    const form = isJson ? 'json' : 'plain'
    if (first.isQuoted || !first.text.startsWith('.')) return { kind: 'value', key: first.text, otherwise, form }
    const of = items.find((name) => `.${name}` === first.text)
    if (of === undefined || otherwise !== undefined) {
      throw this.#bad(
        tag.start,
        `there is .key, .name and .value, without a default; put a key that begins with a dot in quotes`,
      )
    }
    if (!isInEach) throw this.#bad(tag.start, `${first.text} is of the keys of an each, and here is none`)
    return { kind: 'item', of, form }
  }

  #excerpt(at: number): string {
    return JSON.stringify(this.#source.slice(at, at + 20))
  }

  #bad(at: number, reason: string): HearsayApiError {
    const before = this.#source.slice(0, at).split('\n')
    const [line, column] = [before.length, before.at(-1)!.length + 1]
    return new HearsayApiError('BAD_TEMPLATE', 0, `line ${line}, column ${column}: ${reason}`, { line, column })
  }
}

function isStructure({ isComment, words: [first] }: Tag): boolean {
  return isComment || (first !== undefined && !first.isQuoted && ['each', 'end'].includes(first.text))
}
