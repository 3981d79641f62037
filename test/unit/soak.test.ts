/** The verdict on a soak, its account of writes, and its page: each check can fail. */
import { describe, expect, it } from 'vitest'
import { Account, type ShownContents } from '../soak/account.js'
import {
  isFlat,
  judge,
  type NodeReading,
  type SoakHeal,
  type SoakRecord,
  type SoakSample,
  slopeOf,
} from '../soak/judge.js'
import { soakPage, soakPictures } from '../soak/page.js'
import { Work } from '../soak/work.js'
import { Random } from '../support/random.js'

const healthy = { memoryBytes: 100e6, heapBytes: 30e6, diskBytes: 20e6, descriptors: 40 }
const heal: SoakHeal = { atSeconds: 100, node: 'bob', healMs: 700, bytes: 50_000, entries: 400 }
const none = { lost: 0, revived: 0, conflicts: 0, counters: 0, members: 0, examples: [] }

/** A quarter of an hour of samples; `change` makes the reading of one node, `share` of the time having passed. */
function recordOf(change: (share: number) => Partial<NodeReading & SoakSample> = () => ({})): SoakRecord {
  const samples = Array.from({ length: 60 }, (_, at): SoakSample => {
    const noise = at % 7
    const other = change(at / 59)
    const nodes = ['ann', 'bob'].map((node) => ({ node, ...healthy, memoryBytes: 100e6 + noise * 1e6 }))
    Object.assign(nodes[1]!, other)
    return {
      atSeconds: at * 15,
      isCut: at % 20 > 14,
      writes: 100,
      p50Ms: 2 + noise / 10,
      p99Ms: 9 + noise,
      lagMs: 5,
      nodes,
      ...other,
    }
  })
  return {
    samples,
    heals: [heal],
    differences: new Map([
      ['ann', none],
      ['bob', none],
    ]),
  }
}

const missed = (record: SoakRecord) => judge(record).flatMap(({ name, met }) => (met ? [] : [name]))

describe('the verdict on a soak', () => {
  it('is flat when only noise and what filled up in the first half is there', () => {
    expect(missed(recordOf())).toEqual([])
    expect(missed(recordOf((share) => ({ diskBytes: 20e6 + Math.min(0.4, share) * 100e6 })))).toEqual([])
    expect(isFlat(judge(recordOf()))).toBe(true)
  })

  it.each([
    ['bob: rise of memory', (share: number) => ({ memoryBytes: 100e6 + share * 80e6 })],
    ['bob: rise of the disk', (share: number) => ({ diskBytes: 20e6 + share * 20e6 })],
    ['bob: rise of descriptors', (share: number) => ({ descriptors: 40 + Math.round(share * 20) })],
    ['p50 of a write, median of the last third', (share: number) => ({ p50Ms: 2 + share * 6 })],
    ['p99 of a write, median of the last third', (share: number) => ({ p99Ms: 9 + share * 20 })],
    ['lag to the other nodes, median of the last third', (share: number) => ({ lagMs: 5 + share * 20 })],
  ])('finds the %s', (name, change) => {
    expect(missed(recordOf(change))).toEqual([name])
  })

  it('says nothing of the latencies of a short run', () => {
    const { samples, ...record } = recordOf((share) => ({ p50Ms: 2 + share * 6 }))
    const short = samples.map((sample) => ({ ...sample, atSeconds: sample.atSeconds / 15 }))
    expect(missed({ ...record, samples: short })).toEqual([])
  })

  it('finds what is lost, that no cut healed, and that there was too little to see', () => {
    const record = recordOf()
    const lost = new Map([...record.differences, ['bob', { ...none, lost: 1 }]])
    expect(missed({ ...record, differences: lost })).toEqual(['bob: acknowledged writes that are lost or wrong'])
    expect(missed({ ...record, heals: [] })).toEqual(['cuts that healed'])
    expect(missed({ ...record, samples: record.samples.slice(0, 20) })).toEqual(['samples'])
  })

  it('looks at the floor: what is collected now and then may rise higher than before', () => {
    const collected = (share: number) => 100e6 + 15e6 * (Math.round(share * 59) % 5) * (share > 0.5 ? 2 : 1)
    expect(missed(recordOf((share) => ({ memoryBytes: collected(share) })))).toEqual([])
    const leaking = (share: number) => ({ memoryBytes: collected(share) + share * 80e6 })
    expect(missed(recordOf(leaking))).toEqual(['bob: rise of memory'])
  })

  it('fits a line that single peaks do not move', () => {
    const line = Array.from({ length: 20 }, (_, x) => [x, 3 * x + 1] as const)
    expect(slopeOf(line)).toBe(3)
    expect(slopeOf(line.map(([x, y]) => [x, x === 10 ? 1000 : y]))).toBe(3)
    expect(slopeOf([])).toBe(0)
  })
})

describe('the account', () => {
  it('finds every kind of difference, and none where there is none', () => {
    const account = new Account()
    account.put('a', 'old')
    account.put('a', 'new')
    account.put('b', 'x')
    account.put('b', null)
    account.add('c', 2)
    account.add('c', 3)
    account.setMember('s', 'm', true)
    account.setMember('s', 'n', true)
    account.setMember('s', 'n', false)
    const shown = (more: Partial<ShownContents> = {}): ShownContents => ({
      registers: new Map([['a', { value: 'new', siblings: 1 }]]),
      counters: new Map([['c', 5]]),
      sets: new Map([['s', new Set(['m'])]]),
      ...more,
    })
    const found = (more: Partial<ShownContents>) => account.compare(shown(more))
    expect(found({})).toEqual(none)
    expect(found({ registers: new Map([['a', { value: 'old', siblings: 1 }]]) })).toMatchObject({ lost: 1 })
    expect(found({ registers: new Map() })).toMatchObject({ lost: 1, examples: ['a shows nothing'] })
    const both = new Map([
      ['a', { value: 'new', siblings: 2 }],
      ['b', { value: 'x', siblings: 1 }],
    ])
    expect(found({ registers: both })).toMatchObject({ lost: 0, revived: 1, conflicts: 1 })
    expect(found({ counters: new Map([['c', 4]]) })).toMatchObject({ counters: 1, examples: ['c is 4, not 5'] })
    expect(found({ sets: new Map([['s', new Set(['n'])]]) })).toMatchObject({ members: 2 })
  })

  it('follows the writes of a writer, of which each key has the last value', () => {
    const account = new Account()
    const work = new Work('ann-0', 10, account, new Random(1))
    work.batch(25).acknowledge()
    const kinds = new Set<string>()
    for (let at = 0; at < 400; at++) {
      const write = work.next()
      kinds.add(`${write.method} ${write.path.split('/')[2]}`)
      write.acknowledge()
    }
    expect([...kinds].sort()).toEqual(['DELETE kv', 'DELETE sets', 'POST counters', 'PUT kv', 'PUT sets'])
    expect(account.writes).toBe(425)
    const empty: ShownContents = { registers: new Map(), counters: new Map(), sets: new Map() }
    const { lost } = account.compare(empty)
    expect(lost).toBeGreaterThan(5)
    expect(lost).toBeLessThanOrEqual(10)
  })
})

describe('the page of a soak', () => {
  const options = { minutes: 1, rate: 100, cutEverySeconds: 20, cutSeconds: 5, sampleSeconds: 1, keys: 10, warmUp: 20 }
  const about = {
    options,
    day: '2030-01-01',
    versions: { node: '20.19.0', cores: '2' },
    loads: [1, 3, 2],
    writes: 6_000,
  }

  it('says what is not met, with its number, and the load', () => {
    const record = recordOf((share) => ({ diskBytes: 20e6 + share * 20e6 }))
    const page = soakPage({ ...about, record }, soakPictures(record))
    expect(page).toContain('**1 of 12 checks are not met.**')
    expect(page).toMatch(/\| bob: rise of the disk \| 9\.\d+ MB \| ≤ 4 \| \*\*missed\*\* \|/)
    expect(page.replaceAll('\n', ' ')).toContain('In the median 2 processes wanted a core')
  })

  it('has a picture of each thing, with the cuts shaded', () => {
    const drawn = soakPictures(recordOf())
    expect(drawn.map(({ file }) => file)).toContain('soak-disk.svg')
    for (const { svg } of drawn) expect(svg.match(/fill="#f1ece2"/g)).toHaveLength(3)
  })
})
