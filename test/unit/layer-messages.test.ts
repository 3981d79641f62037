/**
 * Messages of the lower layers: the store and the protocols know nothing of the command line that may stand above them.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { commands } from '../../cli/commands/table.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The first words of all commands, as somebody would type them behind the program's name. */
const commandWords = [...new Set(commands.map(({ name }) => name.split(' ')[0]!)), 'COMMAND']
const command = new RegExp(`\\bhearsay (?:${commandWords.join('|')})\\b`)
const flag = /(?:^|[\s`'"(])--[a-z][a-z-]+/

/** Remedies that only a command line could offer, named in this text. */
function namesCommandLine(text: string): boolean {
  return command.test(text) || flag.test(text)
}

/** The string literals of a source, templates included; comments are left out. */
function stringsOf(source: string): string[] {
  const tokens = /\/\/.*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g
  return [...source.matchAll(tokens)].map(([token]) => token).filter((token) => !token.startsWith('/'))
}

function sourcesBelow(folder: string): string[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name))
}

describe('messages of the lower layers', () => {
  it('would be found if they named a command or a flag', () => {
    const source = "// `hearsay get`\nrefuse('see `hearsay get KEY`')\nrefuse(`give it with --all`)\nat -= 1; --at"
    const strings = stringsOf(source)
    expect(strings).toEqual(["'see `hearsay get KEY`'", '`give it with --all`'])
    expect(strings.map(namesCommandLine)).toEqual([true, true])
    expect(namesCommandLine("'hearsay context token'")).toBe(false)
  })

  it.each(['store', 'protocols'])('%s/ names neither a command nor a flag', (folder) => {
    const found = sourcesBelow(folder).flatMap((path) =>
      stringsOf(readFileSync(join(root, path), 'utf8'))
        .filter(namesCommandLine)
        .map((text) => `${path}: ${text}`),
    )
    expect(found).toEqual([])
  })
})
