/** Words of the dashboard: the headline, members, times and sizes, conflicts, consequences, what is said aloud. */
import { describe, expect, it } from 'vitest'
import { announcements } from '../../daemon/web/page/model/announce.js'
import { bytesOfSize, forgetConsequences, hintText } from '../../daemon/web/page/model/consequences.js'
import type { Member, Status } from '../../daemon/web/page/model/events.js'
import {
  agoText,
  bytesText,
  counted,
  lengthText,
  momentText,
  nameList,
  shortId,
} from '../../daemon/web/page/model/format.js'
import { headlineOf } from '../../daemon/web/page/model/headline.js'
import { conflictSentence, outcomeText } from '../../daemon/web/page/model/mail.js'
import { wordOf } from '../../daemon/web/page/model/member-words.js'
import { sizeOf, summaryText, supersededText } from '../../daemon/web/page/model/values.js'

const nowMs = Date.parse('2026-11-27T11:12:30Z')
const before = (ms: number) => new Date(nowMs - ms).toISOString()
const dayMs = 86_400_000

function member(name: string, over: Partial<Member> = {}): Member {
  return {
    name,
    peer: `peer-${name}`,
    connected: true,
    blocked: false,
    converged: true,
    behind: 0,
    ahead: 0,
    lastSeen: before(0),
    lastEqual: before(0),
    hints: { updates: 0, bytes: 0, since: null },
    addresses: [],
    version: '0.1.0',
    clockOffsetMs: 0,
    root: 'ab',
    hears: [],
    ...over,
  }
}

function status(members: Member[], over: Partial<Status> = {}): Status {
  const own = { node: 'nas', peer: 'peer-nas', actor: null, version: '0.1.0', entries: 1, root: 'ab', context: '' }
  const rest = {
    conflicts: 0,
    log: { bytes: 0 },
    verified: true,
    verification: null,
    addresses: [],
    blocked: [],
    warnings: [],
  }
  return { ...own, ...rest, members, ...over }
}

const away = (name: string, behind: number) =>
  member(name, {
    connected: false,
    converged: false,
    behind,
    hints: { updates: behind, bytes: 12e6, since: before(3 * dayMs) },
  })
const headline = (shown: Status | null, link: 'live' | 'away' | 'connecting' = 'live', why: string | null = null) =>
  headlineOf({ status: shown, link, heardMs: nowMs - 12_000, why, nowMs })

describe('the headline', () => {
  it('says that all is well in one sentence', () => {
    expect(headline(status([member('ann'), member('bob')]))).toEqual({
      level: 'ok',
      text: 'All 3 nodes have everything.',
    })
    expect(headline(status([member('ann')])).text).toBe('Both nodes have everything.')
  })

  it('names who is behind, by how much and since when', () => {
    const { level, text } = headline(status([member('ann'), member('cid'), away('pi', 1204)]))
    expect(level).toBe('warn')
    expect(text).toMatch(/^3 of 4 nodes have everything; pi is 1,204 updates behind since Tue \d\d:\d\d\.$/)
  })

  it('tells members out of reach from members that are catching up', () => {
    const near = member('cid', { converged: false, behind: 9 })
    expect(headline(status([near])).text).toBe('1 of 2 nodes has everything; cid is catching up, 9 updates to go.')
    expect(headline(status([near])).level).toBe('note')
    const { text } = headline(status([near, member('eve', { converged: false, behind: 2 }), away('pi', 4)]))
    expect(text).toMatch(/pi is 4 updates behind since .*, cid and eve are catching up\.$/)
  })

  it('says what this node lacks', () => {
    expect(headline(status([member('ann', { converged: false, ahead: 14 })])).text).toBe(
      '1 of 2 nodes has everything; nas lacks 14 updates that ann has.',
    )
  })

  it('asks for decisions, and never calls a mesh with conflicts just fine', () => {
    const shown = headline(status([member('ann')], { conflicts: 2 }))
    expect(shown).toEqual({ level: 'note', text: 'Both nodes have everything. 2 keys need a decision.' })
  })

  it('warns of a single machine, of an unverified store, of a daemon that is gone', () => {
    expect(headline(status([])).level).toBe('warn')
    expect(headline(status([], { verified: false })).text).toContain('checking its own store')
    expect(headline(status([member('ann')]), 'away')).toEqual({
      level: 'fail',
      text: 'nas does not answer; last seen 12 s ago.',
    })
    expect(headline(null, 'away').text).toBe('The daemon does not answer.')
    expect(headline(null, 'away', '16 others watch').text).toBe('The daemon shows nothing new: 16 others watch.')
    expect(headline(null, 'connecting').text).toBe('Connecting…')
  })
})

describe('the state of a member', () => {
  it('is one word', () => {
    const hearing = member('eve', { hears: ['peer-cid'] })
    const cases: [Partial<Member>, string][] = [
      [{}, 'equal'],
      [{ blocked: true, connected: false }, 'blocked'],
      [{ converged: false, behind: 1 }, 'catching up'],
      [{ converged: false, ahead: 1 }, 'ahead'],
      [{ converged: false }, 'comparing'],
      [{ connected: false }, 'no link'],
    ]
    for (const [over, word] of cases) expect(wordOf(member('cid', over), [hearing])).toBe(word)
    expect(wordOf(member('pi', { connected: false }), [hearing])).toBe('away')
  })
})

describe('the live region', () => {
  it('says what has changed, and nothing at first', () => {
    const first = status([away('cid', 3), member('eve')])
    expect(announcements(null, first)).toEqual([])
    expect(announcements(first, first)).toEqual([])
    const next = status([member('cid'), member('eve'), member('bob')], { conflicts: 1 })
    expect(announcements(first, next)).toEqual(['cid is equal again', 'bob has joined', '1 key in conflict'])
    expect(announcements(next, status([member('cid')], { conflicts: 1 }))).toEqual([
      'eve is forgotten',
      'bob is forgotten',
    ])
  })

  it('puts many changes together', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    const gone = status(names.map((name) => away(name, 0)))
    expect(announcements(status(names.map((name) => member(name))), gone)).toEqual(['6 changes in the mesh'])
  })
})

describe('numbers and times', () => {
  it('have units and separators', () => {
    expect([0, 312, 999, 1000, 1_250, 12_400_000, 999_999, 2 ** 53].map(bytesText)).toEqual([
      '0 B',
      '312 B',
      '999 B',
      '1 kB',
      '1.3 kB',
      '12 MB',
      '1 MB',
      '9,007 TB',
    ])
    expect([counted(1, 'key'), counted(1204, 'update'), counted(2, 'entry', 'entries')]).toEqual([
      '1 key',
      '1,204 updates',
      '2 entries',
    ])
    expect([44, 214, 12_000, 240_000, 3 * 3_600_000, 12 * dayMs].map(lengthText)).toEqual([
      '44 ms',
      '0.2 s',
      '12 s',
      '4 min',
      '3 h',
      '12 days',
    ])
  })

  it('are relative, and dates when they are old', () => {
    expect(
      [null, before(300), before(12_300), before(-5000), before(3 * dayMs)].map((time) => agoText(time, nowMs)),
    ).toEqual(['never', 'now', '12 s ago', 'now', '3 days ago'])
    expect(momentText(before(60_000), nowMs)).toMatch(/^\d\d:\d\d$/)
    expect(momentText(before(3 * dayMs), nowMs)).toMatch(/^Tue \d\d:\d\d$/)
    expect(momentText(before(40 * dayMs), nowMs)).toBe('18 Oct')
    expect(momentText(before(400 * dayMs), nowMs)).toBe('23 Oct 2025')
  })

  it('shorten what is long', () => {
    expect(shortId('12D3KooWabcdefghijk')).toBe('12D3…fghijk')
    expect(nameList(['a', 'b', 'c', 'd', 'e'])).toBe('a, b and 3 more')
    expect([nameList([]), nameList(['a']), nameList(['a', 'b', 'c'])]).toEqual(['nobody', 'a', 'a, b and c'])
  })
})

describe('a conflict', () => {
  const version = (node: string, value: string, ms: number) => {
    const rest = { dot: `${node}:1`, expires: null, encoding: 'utf8' as const, size: value.length }
    return { node, value, time: before(ms), ...rest }
  }
  const conflict = {
    key: 'cart/7',
    type: 'reg',
    field: '',
    context: '',
    versions: [version('eve', 'coffee', 180_000), version('ann', 'tea', 720_000)],
  }

  it('reads like mail, and says what will be left', () => {
    expect(conflictSentence(conflict, nowMs)).toMatch(
      /^eve and ann both wrote cart\/7 while they could not hear each other \(\d\d:\d\d to \d\d:\d\d\)\.$/,
    )
    expect(outcomeText(conflict, { kind: 'keep', at: 1 })).toBe(
      'The version of ann will be left; “coffee” will be superseded.',
    )
    expect(outcomeText(conflict, { kind: 'value', value: 'both' })).toContain('in place of all 2 versions')
  })

  it('of one node alone is shown as such', () => {
    const own = { ...conflict, versions: conflict.versions.map((one) => ({ ...one, node: 'ann' })) }
    expect(conflictSentence(own, nowMs)).toContain('cart/7 has 2 versions side by side, all written on ann')
  })

  it('that was saved over says what it superseded', () => {
    expect(supersededText(conflict.versions.slice(1), nowMs)).toBe(
      'Saved. It superseded “tea”, which ann wrote 12 min ago.',
    )
    expect(supersededText(conflict.versions, nowMs)).toContain('2 versions: “coffee” by eve, “tea” by ann')
    expect(supersededText([], nowMs)).toBe('Saved. Nothing was there before.')
  })

  it('counts the bytes of values, not their characters', () => {
    for (const value of ['', 'tea', 'grün', '日本', '🍵', '\n']) {
      expect(sizeOf({ value, encoding: 'utf8' })).toBe(Buffer.byteLength(value))
      const base64 = Buffer.from(value).toString('base64')
      expect(sizeOf({ value: base64, encoding: 'base64' })).toBe(Buffer.byteLength(value))
    }
    expect(summaryText({ value: '', encoding: 'utf8' })).toBe('empty text')
  })
})

describe('consequences', () => {
  it('of forgetting name what is lost and what is freed', () => {
    const said = forgetConsequences(away('pi', 1204), nowMs).join(' ')
    expect(said).toContain('retired for good')
    expect(said).toContain('1,204 updates that it lacks are kept for it no longer; 12 MB of log can be freed.')
  })

  it('of staying away say how long the log lasts', () => {
    expect(hintText(member('ann'), 'nas', null, nowMs)).toBeNull()
    expect(hintText(away('pi', 9), 'nas', 48e6, nowMs)).toBe(
      'nas holds 12 MB for pi; the limit of 48 MB is reached in about 9 days.',
    )
    expect(hintText(away('pi', 9), 'nas', 12e6, nowMs)).toContain('the limit is reached')
    expect(['512MiB', '1KiB', '77', '77B', 'x'].map(bytesOfSize)).toEqual([512 * 1024 ** 2, 1024, 77, 77, null])
  })
})
