/** Documents against the code that they describe. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { errorCodes } from '../../store/errors.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const pages = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'), { recursive: true }).map((name) => join('docs', String(name))),
]
  .filter((path) => path.endsWith('.md'))
  .concat(['gossip', 'membership', 'sync'].map((name) => `protocols/${name}/SPEC.md`))
  .concat('store/backup/SPEC.md', 'test/README.md', 'test/scenarios/README.md')

describe('documents', () => {
  it('OPERATIONS lists exactly the error codes of the code', () => {
    const rows = [...read('docs/OPERATIONS.md').matchAll(/^\| `([A-Z_]+)` +\| (\d+) +\| (\d) +\| (.+?) +\|$/gm)]
    const documented = Object.fromEntries(
      rows.map(([, code, status, exit, meaning]) => [code, { status: Number(status), exit: Number(exit), meaning }]),
    )
    expect(documented).toEqual(errorCodes)
  })

  it.each(pages)('%s links only to what exists', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => target!)
    expect(links.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([])
  })

  it('test/README says of each folder of tests what it is for', () => {
    const rows = [...read('test/README.md').matchAll(/^\| \[?`(\w+)`.*\| +\S.* \| +\S.* \|$/gm)].map(
      ([, name]) => name!,
    )
    const folders = readdirSync(join(root, 'test'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect([...rows, 'support'].sort()).toEqual(folders.map(({ name }) => name).sort())
  })
})
