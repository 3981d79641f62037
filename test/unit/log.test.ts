/** The lines of the log: each that a person should see is an event of the table, and OPERATIONS lists the table. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type LogEvent, logEvents } from '../../daemon/log/events.js'
import { createLog } from '../../daemon/log/log.js'
import { MemberNews } from '../../daemon/mesh/member-news.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const events: Readonly<Record<string, LogEvent>> = logEvents

/** Calls of a log in the daemon, from `info` on: the level, and the event if it is named in the call. */
function callsInDaemon(): { file: string; level: string; event: string | undefined }[] {
  const files = readdirSync(join(root, 'daemon'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  return files.flatMap((file) => {
    const text = readFileSync(join(root, 'daemon', file), 'utf8')
    return [...text.matchAll(/\blog\.(info|warn|error)\(\s*(?:\{\s*event: '(\w+)')?/gi)].map(([, level, event]) => ({
      file,
      level: level!,
      event,
    }))
  })
}

describe('the log', () => {
  const calls = callsInDaemon()

  it('has an event for each line that a person should see, at the level of the table', () => {
    expect(calls.length).toBeGreaterThan(30)
    expect(calls.filter(({ event }) => event === undefined)).toEqual([])
    expect(calls.filter(({ event, level }) => events[event!]?.level !== level)).toEqual([])
  })

  it('uses every event of the table', () => {
    const used = new Set(calls.map(({ event }) => event))
    expect(Object.keys(events).filter((name) => !used.has(name))).toEqual([])
  })

  it('is listed in OPERATIONS, event by event', () => {
    const text = readFileSync(join(root, 'docs/OPERATIONS.md'), 'utf8')
    const [, section = ''] = /\n## The log\n(.*?)\n## /s.exec(text) ?? []
    const rows = [...section.matchAll(/^\| `(\w+)` +\| (info|warn|error) +\| (.+?) +\| (.+?) *\|$/gm)]
    const listed = Object.fromEntries(rows.map(([, name, level, about, next]) => [name, { level, about, next }]))
    const expected = Object.entries(events).map(([name, { level, about, next }]) => [
      name,
      { level, about, next: next ?? (level === 'info' ? 'nothing' : 'what the message says') },
    ])
    expect(listed).toEqual(Object.fromEntries(expected))
  })

  it('adds what to do where the message does not say it', () => {
    const lines: string[] = []
    const write = (line: string) => void lines.push(line)
    createLog({ format: 'json', level: 'info', write }).warn({ event: 'socketMadeAgain', path: '/x' }, 'made again')
    createLog({ format: 'text', level: 'info', write }).warn({ event: 'socketMadeAgain', path: '/x' }, 'made again')
    createLog({ format: 'text', level: 'info', write }).info({ event: 'stopping', signal: 'SIGTERM' }, 'stopping')
    const { next } = events.socketMadeAgain!
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'warn', event: 'socketMadeAgain', path: '/x', next })
    expect(lines[1]).toMatch(/ warn {2}made again path=\/x {2}next: keep cleaners/)
    expect(lines[2]).toMatch(/ info {2}stopping signal=SIGTERM\n$/)
  })
})

describe('news of members', () => {
  it('are those who come and go, not those who were there at the start', () => {
    const lines: string[] = []
    const info = ({ event, name }: { event: string; name?: unknown }) => void lines.push(`${event} ${name}`)
    const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ name, peer: `peer-${name}` }))
    const news = new MemberNews([a!], { info })
    news.changed([a!, b!])
    news.changed([{ ...a!, name: 'renamed' }, b!])
    news.changed([b!, c!])
    expect(lines).toEqual(['memberAdded b', 'memberAdded c', 'memberForgotten renamed'])
  })
})
