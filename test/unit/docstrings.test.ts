/** Docstrings of the production code and of what tests share: they begin with a noun or a verb. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Folders whose docstrings keep the rule, with all below them. */
const folders = ['cli', 'daemon', 'protocols', 'store', 'test/support']

/** First words of a clause, not of a noun phrase or a predicate. */
const clause = /^(?:What|Whether|How|Which|When|Where|Who|Whom|Whoever|Told|Since when|To be)\b/

function docstringsOf(source: string): string[] {
  return [...source.matchAll(/\/\*\*\s*([\s\S]*?)\s*\*\//g)].map(([, text]) => text!.replace(/^\*\s*/, ''))
}

function offending(source: string): string[] {
  return docstringsOf(source).filter((text) => clause.test(text))
}

describe('docstrings', () => {
  it('are found in one line and in several', () => {
    const source = '/** What it is. */\n/**\n * Whether it is\n * done.\n */\n/** True if it is done. */'
    expect(offending(source)).toEqual(['What it is.', 'Whether it is\n * done.'])
  })

  it.each(folders)('of %s begin with a noun or a verb', (folder) => {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    )
    expect(names.length).toBeGreaterThan(0)
    const found = names.flatMap((name) =>
      offending(readFileSync(join(root, folder, name), 'utf8')).map((text) => `${folder}/${name}: ${text}`),
    )
    expect(found).toEqual([])
  })
})
