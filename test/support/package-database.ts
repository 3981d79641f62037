/** Real input for tests: the paragraphs of this machine's package database. */
import { existsSync, readFileSync } from 'node:fs'

const database = '/var/lib/dpkg/status'

/** `debian/<package>` -> paragraph. Where there is no package database, paragraphs of the same form are made. */
export function paragraphs(): Map<string, string> {
  const text = existsSync(database) ? readFileSync(database, 'utf8') : madeUp()
  const result = new Map<string, string>()
  for (const paragraph of text.split('\n\n')) {
    const name = /^Package: (.+)$/m.exec(paragraph)?.[1]
    if (name !== undefined) result.set(`debian/${name}`, paragraph)
  }
  return result
}

function madeUp(): string {
  const one = (at: number) =>
    `Package: made-up-${at}\nStatus: install ok installed\nDescription: größe ${'x'.repeat(at % 900)}\n line ${at}`
  return Array.from({ length: 400 }, (_, at) => one(at)).join('\n\n')
}
