/** A mesh made up for pictures and for tests of the dashboard: members, sessions, rates and changes at one moment. */
import type { LiveData, RecordedSession } from '../../protocols/api/live.js'
import type { MemberStatus } from '../../protocols/membership/types.js'
import { Random } from './random.js'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
/** Root of all who are equal. */
const rootHere = '92f91c36'
/** Root of those who were on the other side of a cut. */
const rootThere = 'd40b77e1'
const digits = (text: string) => Buffer.from(text.padEnd(12, text)).toString('hex').slice(0, 24)

/** The peer id of a node of the demo. */
export function demoPeer(name: string): string {
  return `12D3KooW${digits(name)}`
}

/** The tag of a member of the demo, as its updates carry it. */
export function demoTag(name: string): string {
  return Buffer.from(name.padEnd(8).slice(0, 8)).toString('hex')
}

/** Names of the demo: this node first. */
export const demoNames = ['nas', 'ann', 'cid', 'eve', 'pi'] as const

function demoMember(name: string, at: number, nowMs: number, over: Partial<MemberStatus> = {}): MemberStatus {
  return {
    name,
    peer: demoPeer(name),
    connected: true,
    blocked: false,
    converged: true,
    behind: 0,
    ahead: 0,
    lastSeenMs: nowMs - 400,
    lastEqualMs: nowMs - 1_200,
    hints: { updates: 0, bytes: 0, sinceMs: null },
    addresses: [`/ip4/192.168.1.${20 + at}/tcp/7400`],
    version: '0.1.0',
    clockOffsetMs: at * 11 - 20,
    root: rootHere,
    hears: ['nas', 'ann', 'cid', 'eve'].filter((other) => other !== name).map(demoPeer),
    ...over,
  }
}

/** Members while all are equal but one that is away. */
export function restingMembers(nowMs: number): MemberStatus[] {
  return [
    demoMember('ann', 1, nowMs),
    demoMember('cid', 2, nowMs),
    demoMember('eve', 3, nowMs),
    demoMember('pi', 4, nowMs, {
      connected: false,
      converged: false,
      behind: 1204,
      lastSeenMs: nowMs - 3 * dayMs - 8 * minuteMs,
      lastEqualMs: nowMs - 3 * dayMs - 9 * minuteMs,
      hints: { updates: 1204, bytes: 12_400_000, sinceMs: nowMs - 3 * dayMs - 8 * minuteMs },
      clockOffsetMs: null,
      root: null,
      hears: [],
    }),
  ]
}

/** Members while two of them have just come back from behind a cut, with what they wrote there. */
export function healingMembers(nowMs: number): MemberStatus[] {
  const back = { root: rootThere, converged: false, behind: 9, ahead: 5, lastEqualMs: nowMs - 9 * minuteMs }
  const hears = (names: string[]) => names.map(demoPeer)
  return restingMembers(nowMs).map((member) => {
    if (member.name === 'ann') return { ...member, hears: hears(['nas', 'cid']) }
    if (member.name === 'cid') return { ...member, ...back, hears: hears(['nas', 'ann', 'eve']) }
    return member.name === 'eve' ? { ...member, ...back, hears: hears(['nas', 'cid']) } : member
  })
}

/** The root of this node in the demo. */
export const demoRoot = rootHere + '0'.repeat(24)

type Step = RecordedSession['steps'][number]

function demoEnd(ms: number, entriesSent: number, entriesReceived: number, over: Partial<Step> = {}): Step {
  const counts = { roundTrips: 1.5, bytesSent: 300 + 120 * entriesSent, bytesReceived: 280 + 130 * entriesReceived }
  const step = { step: 'end', ms, mode: 'delta', ended: 'complete', equal: true } as const
  return { ...step, ...counts, entriesSent, entriesReceived, ...over } as Step
}

function demoContexts(ms: number, mine: number[], theirs: number[]): Step {
  const gaps = (counts: number[], seed: string) =>
    counts.map((missing, at) => ({ actor: digits(`${seed}${at}`).slice(4, 12), missing }))
  return {
    step: 'contexts',
    ms,
    bytes: 612,
    mine: gaps(mine, 'e'),
    mineRest: 0,
    theirs: gaps(theirs, 'k'),
    theirsRest: 0,
  }
}

const lit = (...at: number[]) => Array.from({ length: 16 }, (_, child) => at.includes(child))
const bits = (...at: number[]) => at.reduce((sum, child) => sum | (1 << child), 0)
const start = { step: 'start', ms: 0, role: 'initiator', why: 'connect', mode: 'whole' } as const
const moved = (ms: number, sent: number, received: number): Step => {
  return { step: 'entries', ms, sent, received, bytesSent: 120 * sent, bytesReceived: 130 * received }
}

/**
 * The last sessions, the oldest first: one that contexts settleConflict, one that needs the tree, and others that moved
 * little.
 */
export function demoSessions(nowMs: number): RecordedSession[] {
  const session = (name: string, agoMs: number, steps: Step[]): RecordedSession => ({
    id: `${name}-${agoMs}`,
    peer: demoPeer(name),
    name,
    at: new Date(nowMs - agoMs).toISOString(),
    steps: [start, ...steps],
  })
  return [
    session('ann', 41 * minuteMs, [demoContexts(21, [], [2]), moved(30, 2, 0), demoEnd(44, 2, 0)]),
    session('eve', 12 * minuteMs, [
      demoContexts(19, [], []),
      { step: 'level', ms: 40, level: 1, compared: 16, differing: 3, children: lit(2, 7, 11), rows: [] },
      {
        step: 'level',
        ms: 66,
        level: 2,
        compared: 48,
        differing: 4,
        children: [],
        rows: [bits(3), bits(0, 9), bits(14)],
      },
      {
        step: 'level',
        ms: 91,
        level: 3,
        compared: 64,
        differing: 4,
        children: [],
        rows: [bits(5), bits(12), bits(1), bits(8)],
      },
      moved(120, 3, 1),
      demoEnd(164, 3, 1, { mode: 'merkle', roundTrips: 2.5 }),
    ]),
    session('cid', 62_000, [
      demoContexts(24, [3, 2], [7, 1, 1]),
      moved(60, 4, 5),
      moved(120, 9, 5),
      demoEnd(214, 9, 5),
    ]),
  ]
}

/** A session that is under way: contexts are swapped, entries are moving. */
export function runningSession(name: string, nowMs: number): RecordedSession {
  const at = new Date(nowMs - 150).toISOString()
  return {
    id: `${name}-now`,
    peer: demoPeer(name),
    name,
    at,
    steps: [start, demoContexts(24, [3, 2], [7, 1, 1]), moved(90, 4, 2)],
  }
}

/** Rates of the last minutes: a quiet evening with a burst of writes. */
export function demoRates(nowMs: number, seconds = 240): LiveData<'rates'>[] {
  const numbers = new Random(7)
  const random = () => numbers.next()
  return Array.from({ length: seconds }, (_, at) => {
    const burst = at > 150 && at < 190 ? Math.sin(((at - 150) / 40) * Math.PI) : 0
    const writes = Math.round((2 + 2 * random() + 34 * burst) * 10) / 10
    const sync = at > 176 && at < 184 ? 9_000 * random() : 120 * random()
    return {
      at: new Date(nowMs - (seconds - at) * 1000).toISOString(),
      writes,
      reads: Math.round((6 + 6 * random() + 12 * burst) * 10) / 10,
      p50Ms: 1.1 + 0.4 * random() + 0.8 * burst,
      p99Ms: 3.4 + 2 * random() + 6 * burst,
      bytes: {
        gossip: { in: 400 + 90 * writes, out: 300 + 110 * writes },
        sync: { in: sync, out: sync * 1.2 },
        heartbeat: { in: 240 + 30 * random(), out: 210 + 30 * random() },
      },
      rss: Math.round(92e6 + 3e6 * burst + 2e5 * random()),
      sessions: at > 176 && at < 184 ? 1 : 0,
    }
  })
}

/** Changes as the feed shows them, the oldest first. */
export function demoChanges(nowMs: number): LiveData<'change'>[] {
  const rows = [
    ['ann', 'put', 'reg', 'notes/shopping', ''],
    ['cid', 'put', 'set', 'cart/7', 'tea'],
    ['eve', 'del', 'set', 'cart/7', 'milk'],
    ['nas', 'put', 'ctr', 'visits', ''],
    ['eve', 'put', 'map', 'users/ada', 'mail'],
    ['nas', 'expire', 'reg', 'sessions/4f2a', ''],
    ['ann', 'put', 'doc', 'plans/garden', ''],
    ['cid', 'put', 'reg', 'sensors/attic/temperature', ''],
  ] as const
  return rows.map(([node, op, type, key, field], at) => ({
    key,
    type,
    field,
    op,
    dot: `${demoTag(node)}:${at + 40}`,
    node,
    time: new Date(nowMs - (rows.length - at) * 7_300).toISOString(),
  }))
}

/** Findings of a doctor. */
export const demoFindings = [
  {
    level: 'warn',
    check: 'members',
    text: 'pi has been away for 3 days; its log is complete until about 6 December, after that the trees are compared (no data is lost)',
    remedy: 'start pi, or retire it with hearsay forget pi',
  },
  { level: 'ok', check: 'clocks', text: 'within 40 ms of each other', remedy: null },
  { level: 'ok', check: 'disk', text: '41 GB of 64 GB free', remedy: null },
  { level: 'ok', check: 'store', text: 'verified, 56 entries', remedy: null },
] as const
