/**
 * One exported name, one meaning in the whole tree: a name that two files export is listed here with its reason, or has
 * to change.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folders = ['store', 'protocols', 'daemon', 'cli', 'test']
const declaration =
  /^export (?:abstract )?(?:async )?(?:class|interface|type|const|let|enum|function\*?) (?<name>\w+)(?<isAction>: Action\b)?/gm

/** What is said once more on purpose, with the same meaning. */
const saidAgain: Readonly<Record<string, readonly string[]>> = {
  'what the API says, as the store holds it and as its client shows it': [
    'Acks',
    'Counted',
    'CounterValue',
    'DeleteOptions',
    'FieldWritten',
    'ImportSummary',
    'ListItem',
    'OnceOptions',
    'Operation',
    'Page',
    'PutOptions',
    'Resolution',
    'ResolveOptions',
    'Shown',
    'Version',
    'WatchEvent',
    'WriteOptions',
    'Written',
  ],
  'the daemon and the command line each make names in a folder durable': ['syncFolder'],
  'the command line has limits of the daemon without importing it': [
    'batchOperationsMax',
    'socketPathBytesMax',
    'valueBytesMax',
  ],
  "the API's view of a class of the store": ['Contents', 'Registers'],
  'the daemon and the command line each find their package.json': ['packageVersion'],
}

/**
 * Names of the tree, each with the files that export it. Commands of the command line are named by their words alone,
 * file by file.
 */
function exportsOf(files: ReadonlyMap<string, string>): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const [file, text] of files) {
    const names = [...text.matchAll(declaration)].flatMap(({ groups }) => (groups!.isAction ? [] : [groups!.name!]))
    for (const name of new Set(names)) found.set(name, [...(found.get(name) ?? []), file])
  }
  return found
}

function sources(): Map<string, string> {
  const paths = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  const files = paths.filter((path) => /(?<!\.d|\.bench)\.ts$/.test(path)).toSorted()
  return new Map(files.map((path) => [path, readFileSync(join(root, path), 'utf8')]))
}

const allowed = new Set(Object.values(saidAgain).flat())
const several = new Map([...exportsOf(sources())].filter(([, files]) => files.length > 1))

describe('exported names', () => {
  it('have one meaning each', () => {
    expect(Object.fromEntries([...several].filter(([name]) => !allowed.has(name)))).toEqual({})
  })

  it('that are listed as said again are exported by several files', () => {
    expect([...allowed].filter((name) => !several.has(name))).toEqual([])
  })

  it('are found: two files with one name, but not overloads, nor commands', () => {
    const files = new Map([
      ['a.ts', 'export function one(a: string): void\nexport function one(a: number): void\nexport const two = 1'],
      ['b.ts', 'export async function one() {}\nexport const get: Action = run'],
      ['c.ts', 'export const get: Action = run'],
    ])
    expect([...exportsOf(files)]).toEqual([
      ['one', ['a.ts', 'b.ts']],
      ['two', ['a.ts']],
    ])
  })
})
