/** Every command of hearsay that the documents tell people to type is one that both the table and its parser know. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { commands } from '../../cli/commands/table.js'
import { parseFully } from '../../cli/program.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const pages = ['COMING-FROM.md', 'OPERATIONS.md', 'monitoring/alerts.yml', 'packaging/docker/compose.yml']

/** Calls in code spans and in lines of blocks: from `hearsay` to the end of what one shell command can be. */
function callsIn(page: string): string[] {
  // Labels of alerts stand for a name.
  const text = page.replaceAll(/\{\{.*?\}\}/g, 'NAME')
  const prose = text.replaceAll(/^```\w*\n.*?^```/gms, '')
  const spans = [...prose.matchAll(/`([^`\n]*(?:\n[^`\n]*)?)`/g)].map(([, code]) => code!.replace(/\s+/g, ' '))
  const blocks = [...text.matchAll(/^```\w*\n(.*?)^```/gms)].flatMap(([, block]) => block!.split('\n'))
  const comments = [...text.matchAll(/^# {2,}(.*)$/gm)].map(([, line]) => line!)
  const typed = [...blocks, ...comments].filter((line) => /\bhearsay [a-z-]/.test(line) && !line.includes('`'))
  return [...spans, ...typed].flatMap((code) => {
    const [, call] =
      /(?:^|[|;&(]\s*|sudo -u \w+ |exec (?:-T )?(?:\$node|ann|NODE) )(hearsay(?: [^|;&()<>#]*)?)/.exec(
        code.replaceAll('\\|', '|'),
      ) ?? []
    return call === undefined || call.trim() === 'hearsay' || call.includes('…') ? [] : [call.trim()]
  })
}

/** Words of a call, quotes taken off. */
function wordsOfCall(call: string): string[] {
  return (call.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^(['"])(.*)\1$/, '$2')).slice(1)
}

async function faultOf(call: string): Promise<string | undefined> {
  const io = { stdout: process.stdout, columns: 80, stdoutTerminal: false }
  try {
    const words = wordsOfCall(call)
    const isBare = commands.some(({ name }) => name === words.join(' '))
    // A command that is only named has no arguments.
    if (isBare) return undefined
    return (await parseFully(words, io as never)) === undefined ? `${call}: it is no command` : undefined
  } catch (error) {
    return `${call}: ${(error as Error).message}`
  }
}

describe('commands in documents', () => {
  it.each(pages)('%s: each is one that there is, with flags that it has', async (page) => {
    const calls = callsIn(readFileSync(join(root, 'docs', page), 'utf8'))
    expect(calls.length).toBeGreaterThan(1)
    const faults = await Promise.all(calls.map(faultOf))
    expect(faults.filter((fault) => fault !== undefined)).toEqual([])
  })

  it('are found in spans, behind pipes and in blocks, and faults in them', async () => {
    const text =
      'Say `hearsay put a b --nope`, or `x | hearsay frob`.\n```console\nsudo -u me hearsay gte k\n```\n`hearsay`, `hearsay del`'
    expect(callsIn(text)).toEqual(['hearsay put a b --nope', 'hearsay frob', 'hearsay del', 'hearsay gte k'])
    const faults = await Promise.all(callsIn(text).map(faultOf))
    expect(faults.map((fault) => fault !== undefined)).toEqual([true, true, false, true])
  })

  it('of every page are those of COMING-FROM among others: each row has one, or says that there is none', () => {
    const rows = readFileSync(join(root, 'docs/COMING-FROM.md'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| '))
    const cells = rows.map((row) => row.split(/(?<!\\)\|/)[2]!.trim()).filter((cell) => !/^(?:hearsay|-+)$/.test(cell))
    expect(cells.length).toBeGreaterThan(50)
    expect(cells.filter((cell) => !/^(?:`hearsay |none$|`POST \/v1\/|`--)/.test(cell))).toEqual([])
    expect(readdirSync(join(root, 'docs'))).toContain('COMING-FROM.md')
  })
})
