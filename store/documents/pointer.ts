/** JSON pointers (RFC 6901). */
import { HearsayError } from '../errors.js'
import { documentDepthMax } from './limits.js'

/** The tokens of a pointer, unescaped. Throws BAD_PATCH. */
export function parsePointer(text: string): string[] {
  if (text === '') return []
  if (!text.startsWith('/')) throw bad(text, "begins with '/' or is empty")
  if (/~(?![01])/.test(text)) throw bad(text, "writes '~' as '~0' and '/' as '~1'")
  const tokens = text.slice(1).split('/')
  if (tokens.length > documentDepthMax) throw bad(text, `has at most ${documentDepthMax} parts`)
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The pointer of these tokens. */
export function pointerText(tokens: readonly (string | number)[]): string {
  return tokens.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** The index that a token is: digits without a leading zero; undefined when it is none. */
export function indexOf(token: string): number | undefined {
  return /^(?:0|[1-9]\d{0,8})$/.test(token) ? Number(token) : undefined
}

function bad(text: string, rule: string): HearsayError {
  return new HearsayError('BAD_PATCH', `'${text}' is not a JSON pointer: one ${rule}; nothing was stored`)
}
