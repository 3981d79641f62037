/** The language of the lab's scripts: what is understood, and what is said of what is not. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseScript, ScriptProblem } from '../../cli/lab/script.js'

const one = (text: string) => parseScript(text).map(({ statement }) => statement)[0]

describe('a script', () => {
  test.each([
    ['up 3', { kind: 'up', count: 3, flags: [] }],
    [`up 3 --resolvers '[{"a": 1}]'`, { kind: 'up', count: 3, flags: ['--resolvers', '[{"a": 1}]'] }],
    [
      'split ann,bob 3,4',
      {
        kind: 'split',
        groups: [
          ['ann', 'bob'],
          ['3', '4'],
        ],
      },
    ],
    ['heal   # and wait', { kind: 'heal' }],
    ['slow', undefined],
    ['slow --delay 1s --loss 0.5%', { kind: 'slow', groups: [], slowness: { delayMs: 1_000, lossPercent: 0.5 } }],
    [
      'slow ann bob,cid --rate 64KiB',
      { kind: 'slow', groups: [['ann'], ['bob', 'cid']], slowness: { bytesPerSecond: 65_536 } },
    ],
    ['slow --off', { kind: 'fast' }],
    ['kill ann,bob cid', { kind: 'kill', nodes: ['ann', 'bob', 'cid'] }],
    ['wait equal', { kind: 'equal' }],
    ['wait 1m30s', { kind: 'pause', ms: 90_000 }],
    ['fill ann week/ 5000', { kind: 'fill', node: 'ann', prefix: 'week/', count: 5_000 }],
    [`echo it's done # really`, { kind: 'echo', text: `it's done` }],
    [`ann: put a#b '# no comment'`, { kind: 'run', on: ['ann'], words: ['put', 'a#b', '# no comment'] }],
    ['on all: ls', { kind: 'run', on: 'all', words: ['ls'] }],
    ['ann,bob: ls', { kind: 'run', on: ['ann', 'bob'], words: ['ls'] }],
    [
      'expect on all: set ls b = coffee, tea',
      { kind: 'expect', on: 'all', words: ['set', 'ls', 'b'], outcome: { kind: 'is', text: 'coffee, tea' } },
    ],
    ['expect ann: ls =', { kind: 'expect', on: ['ann'], words: ['ls'], outcome: { kind: 'is', text: '' } }],
    [
      `expect ann: get "=" contains "\\"x\\"\\n"`,
      { kind: 'expect', on: ['ann'], words: ['get', '='], outcome: { kind: 'contains', text: '"x"\n' } },
    ],
    [
      'expect ann: put k v fails 4',
      { kind: 'expect', on: ['ann'], words: ['put', 'k', 'v'], outcome: { kind: 'fails', exit: 4 } },
    ],
  ])('%s', (text, statement) => {
    if (statement === undefined) expect(() => one(text)).toThrow(ScriptProblem)
    else expect(one(text)).toEqual(statement)
  })

  test('empty lines and comments count as lines, and are nothing else', () => {
    expect(parseScript('\n# a comment\r\n\theal\r\n\n')).toEqual([{ line: 3, statement: { kind: 'heal' } }])
  })

  test.each([
    ['dance', /line 1: expected a statement \(up, split, .*\) or NAME:, found 'dance'/],
    ['heal\n\nup', /line 3: expected the number of nodes, 1 to 99, found the end of the line/],
    ['up three', /the number of nodes, 1 to 99, found 'three'/],
    ['heal now', /expected the end of the line, found 'now'/],
    ['split ann,,bob', /names of nodes with commas between, found 'ann,,bob'/],
    ['slow --delay soon', /--delay 100ms, --loss 2% or --rate 64KiB, found '--delay soon'/],
    ['slow --loss 95%', /a loss is 0% to 90%/],
    ['wait', /equal, or a time up to 10m such as 500ms, found the end of the line/],
    ['wait 2h', /equal, or a time up to 10m/],
    ['ann:', /a command behind the colon, found the end of the line/],
    ["'heal'", /found 'heal' in quotes/],
    ["ann: put 'k v", /a closing ', found the end of the line/],
    ["ann: put 'k'v", /a space after the closing quote, found 'v'/],
    ['ann: put "\\x"', /found '\\x'/],
    ['expect get k = v', /NAME: or on all:, found 'get'/],
    ['expect ann: = v', /a command behind the colon, found '='/],
    ['expect ann: get k', /= TEXT, contains TEXT, or fails EXITCODE, found the end of the line/],
    ['expect ann: get k contains', /a text behind contains/],
    ['expect ann: get k fails 9', /an exit code, 1 to 7, found '9'/],
  ])('%j is refused with its line and what was expected', (text, message) => {
    expect(() => parseScript(text)).toThrow(message)
  })
})

describe('the shipped stories', () => {
  const folder = new URL('../../docs/stories/', import.meta.url)
  const files = readdirSync(folder)

  test('there are six, and nothing else', () => {
    expect(files).toHaveLength(6)
    for (const file of files) expect(file).toMatch(/^[a-z-]+\.lab$/)
  })

  test.each(files)('%s begins with a lab and ends with what one has learnt', (file) => {
    const statements = parseScript(readFileSync(new URL(file, folder), 'utf8')).map(({ statement }) => statement)
    expect(statements[0]).toMatchObject({ kind: 'up' })
    expect(statements.at(-1)).toMatchObject({ kind: 'echo', text: expect.stringMatching(/^Learnt: .+\.$/) })
    expect(statements.filter(({ kind }) => kind === 'expect').length).toBeGreaterThanOrEqual(3)
  })
})
