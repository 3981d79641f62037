/** Documents against the code that they describe. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { batchBodyBytesMax, headerBytesMax } from '../../protocols/api/limits.js'
import { batchOperationsMax } from '../../store/data/batches.js'
import { errorCodes } from '../../store/errors.js'
import {
  clientValueBytesDefault,
  counterTrailMax,
  fieldBytesMax,
  keyBytesMax,
  valueBytesMax,
} from '../../store/model/limits.js'
import * as replica from '../../store/replica/limits.js'

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

/** The words that the whole project uses in one sense, code, wire and command line included. */
const words = [
  [
    'mesh',
    'node',
    'peer',
    'member',
    'actor',
    'run',
    'dot',
    'context',
    'seen',
    'applied',
    'address',
    'version',
    'sibling',
    'update',
  ],
  [
    'live entry',
    'delta sync',
    'Merkle sync',
    'full sync',
    'hint',
    'hollow',
    'bare',
    'stub',
    'baseline',
    'chain',
    'clash',
    'reissue',
  ],
  [
    'content digest',
    'settled',
    'descent',
    'doubt',
    'capture',
    'turn',
    'young',
    'log',
    'feed',
    'cursor',
    'epoch',
    'relay',
    'rival',
  ],
].flat()

describe('documents', () => {
  it('OPERATIONS lists exactly the error codes of the code', () => {
    const rows = [...read('docs/OPERATIONS.md').matchAll(/^\| `([A-Z_]+)` +\| (\d+) +\| (\d) +\| (.+?) +\|$/gm)]
    const documented = Object.fromEntries(
      rows.map(([, code, status, exit, meaning]) => [code, { status: Number(status), exit: Number(exit), meaning }]),
    )
    expect(documented).toEqual(errorCodes)
  })

  it('OPERATIONS gives the limits behind 413 as they are', () => {
    const text = read('docs/OPERATIONS.md')
    const [, table = ''] = /What 413 `TOO_LARGE` is about:\n\n(.*?)\n\n/s.exec(text) ?? []
    const mebibytes = (bytes: number) => `${bytes / 1024 ** 2} MiB`
    const count = (amount: number) => amount.toLocaleString('en-US')
    const values = `${mebibytes(clientValueBytesDefault)}, at most ${mebibytes(valueBytesMax)}`
    const limits = {
      '| a key, ': `${count(keyBytesMax)} bytes`,
      '| a value, ': `\`values.maxBytes\`: ${values}`,
      '| a batch ': `${count(batchOperationsMax)} operations and ${mebibytes(batchBodyBytesMax)}`,
      '| the request line ': `${headerBytesMax / 1024} KiB`,
    }
    for (const [row, limit] of Object.entries(limits)) {
      expect(table.split('\n').find((line) => line.startsWith(row))).toContain(`| ${limit} `)
    }
    expect(fieldBytesMax).toBe(keyBytesMax)
  })

  it.each(['docs/ARCHITECTURE.md', 'docs/OPERATIONS.md'])(
    '%s says how far two contents of one dot are told apart',
    (page) => {
      const text = read(page).replaceAll(/\s+/g, ' ')
      const count = (amount: number) => amount.toLocaleString('en-US')
      const claims = [
        `more than ${replica.clockJumpMs / 1000} s against the monotonic clock`,
        `among the last ${count(replica.digestSpanDots)} of its run`,
        `${replica.digestAgeMsMax / 24 / 3_600_000} days`,
        `the last ${count(replica.unacknowledgedDigestSpanDots)} `,
        `last ${counterTrailMax}`,
      ]
      expect(claims.filter((claim) => !text.includes(claim))).toEqual([])
    },
  )

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

  it('GLOSSARY explains every word that is ours, each once', () => {
    const entries = read('docs/GLOSSARY.md').matchAll(/^- ((?:\*\*[^*]+\*\*(?:, )?)+): /gm)
    const explained = [...entries].flatMap(([, names]) =>
      [...names!.matchAll(/\*\*([^*]+)\*\*/g)].map(([, name]) => name!),
    )
    expect(words.filter((word) => !explained.includes(word))).toEqual([])
    expect(explained.filter((word, at) => explained.indexOf(word) !== at)).toEqual([])
  })

  it.each(['docs/ARCHITECTURE.md', 'docs/CONTRIBUTING.md'])('%s names only files that exist', (page) => {
    const named = [...read(page).matchAll(/`((?:store|protocols|daemon|cli|test|docs)\/[\w./-]+)`/g)].map(
      ([, path]) => path!,
    )
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  it.each(pages)('%s refers only to headings that exist', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)]
    const missing = links.filter(([, target, anchor]) => {
      const path = target === '' ? page : join(dirname(page), target!)
      return !path.endsWith('.md') || !anchorsOf(read(path)).includes(anchor!)
    })
    expect(missing.map(([link]) => link)).toEqual([])
  })
})

/** The anchors that GitHub makes of headings. */
function anchorsOf(markdown: string): string[] {
  const headings = [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading!)
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  )
}
