/** The lab's pure parts: names and groups, links, the plan of its processes, equality, what people are told. */
import { describe, expect, test } from 'vitest'
import { areEqual, difference, hasMet, type NodeState, syncCountsOf, unequalTo } from '../../cli/lab/equality.js'
import { slowRulesMax } from '../../cli/lab/limits.js'
import { linkBetween, openLinks, parseLoss, parseRate, slownessProblem, withSlow } from '../../cli/lab/links.js'
import { groupsOf, nodeNames, nodeOf, nodesOf } from '../../cli/lab/names.js'
import {
  argumentsOf,
  environmentOf,
  type LabRecord,
  ownFlagIn,
  placesOf,
  readyNodeOf,
  switchName,
  switchPortOf,
} from '../../cli/lab/plan.js'
import { healText, slowText, upText } from '../../cli/lab/telling.js'

const five = nodeNames(5)

describe('names', () => {
  test('nodes have names, which do not repeat', () => {
    expect(five).toEqual(['ann', 'bob', 'cid', 'dan', 'eve'])
    expect(new Set(nodeNames(16)).size).toBe(16)
    expect(nodeNames(16)).not.toContain(switchName)
    for (const count of [0, 17, 1.5]) expect(() => nodeNames(count)).toThrow('a lab has 1 to 16 nodes')
  })

  test('a node is named by its name or its number', () => {
    expect([nodeOf('cid', five), nodeOf('3', five)]).toEqual(['cid', 'cid'])
    expect(nodesOf('1,eve', five)).toEqual(['ann', 'eve'])
    for (const word of ['6', '0', 'zed', '', 'ANN']) expect(() => nodeOf(word, five)).toThrow(`no node '${word}'`)
    expect(() => nodesOf('ann,1', five)).toThrow('names ann twice')
  })

  test('who is in no group is one more group', () => {
    expect(
      groupsOf(
        [
          ['1', '2'],
          ['cid', 'dan', 'eve'],
        ],
        five,
      ),
    ).toEqual([
      ['ann', 'bob'],
      ['cid', 'dan', 'eve'],
    ])
    expect(groupsOf([['cid']], five)).toEqual([['cid'], ['ann', 'bob', 'dan', 'eve']])
    expect(groupsOf([['ann'], ['bob']], five)).toEqual([['ann'], ['bob'], ['cid', 'dan', 'eve']])
    expect(() => groupsOf([['ann'], ['1', 'bob']], five)).toThrow('ann is in two groups')
    expect(() => groupsOf([[...five]], five)).toThrow('leaves all nodes in one group')
  })
})

describe('links', () => {
  test('of several rules the last that concerns a link counts', () => {
    const all = withSlow(openLinks, { groups: [], delayMs: 10 })
    const both = withSlow(all, { groups: [['ann'], ['bob', 'cid']], bytesPerSecond: 1024 })
    expect(linkBetween(both, 'bob', 'cid')).toEqual({ isCut: false, delayMs: 10 })
    expect(linkBetween(both, 'bob', 'ann')).toEqual({ isCut: false, bytesPerSecond: 1024 })
  })

  test('there are no more rules than the limit', () => {
    let links = openLinks
    for (let at = 0; at < slowRulesMax + 3; at++) links = withSlow(links, { groups: [], delayMs: at })
    expect(links.slow).toHaveLength(slowRulesMax)
    expect(linkBetween(links, 'ann', 'bob').delayMs).toBe(slowRulesMax + 2)
  })

  test('rates and losses are read with their units', () => {
    expect(['64KiB', '1MB', '1.5kB', '200B'].map(parseRate)).toEqual([65_536, 1_000_000, 1_500, 200])
    expect(['64', 'KiB', '-1B', '1 B', ''].map(parseRate)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(['2%', '0.5%', '2', '%'].map(parseLoss)).toEqual([2, 0.5, undefined, undefined])
    expect(slownessProblem({ lossPercent: 91 })).toContain('0% to 90%')
    expect(slownessProblem({ bytesPerSecond: 1 })).toContain('128B to 1GiB')
    expect(slownessProblem({ delayMs: 61_000 })).toContain('at most 60s')
    expect(slownessProblem({ delayMs: 60_000, lossPercent: 90, bytesPerSecond: 128 })).toBeUndefined()
  })
})

describe('the plan', () => {
  const places = placesOf('/var/my lab')
  const record: LabRecord = { version: 1, nodes: five, flags: ['--acks', 'majority'] }
  const programs = { guest: 'file:///p/guest.js', switch: '/p/switch-main.js', hearsay: '/p/hearsay.js' }

  test('a daemon has a directory of its own, free ports of the loopback interface, and the flags of the lab last', () => {
    const [load, guest, ...args] = argumentsOf('bob', record, places, programs)
    expect(load).toBe('--import')
    expect(Object.fromEntries(new URL(guest!).searchParams)).toEqual({ lab: '/var/my lab', name: 'bob' })
    expect(args.slice(0, 4)).toEqual(['/p/hearsay.js', 'daemon', '--data', '/var/my lab/nodes/bob'])
    expect(args).toEqual(expect.arrayContaining(['--mdns=false', '/ip4/127.0.0.1/tcp/0', '127.0.0.1:0']))
    expect(args.slice(-2)).toEqual(['--acks', 'majority'])
  })

  test('flags that each node has of its own are not for all', () => {
    expect(ownFlagIn(['--acks', '2', '--data=/x'])).toBe('--data')
    expect(ownFlagIn(['--listen', '/ip4/0.0.0.0/tcp/1'])).toBe('--listen')
    expect(ownFlagIn(['--acks', '2', '--durability', 'os'])).toBeUndefined()
  })

  test('the switch is told the directory alone', () => {
    expect(argumentsOf(switchName, record, places, programs).slice(2)).toEqual(['/p/switch-main.js', '/var/my lab'])
  })

  test('settings of another daemon do not reach those of the lab', () => {
    expect(environmentOf({ HEARSAY_DATA: '/x', HEARSAY_ACKS: '3', NOTIFY_SOCKET: '/y', PATH: '/bin' })).toEqual({
      PATH: '/bin',
    })
  })

  test('a ready line counts once it is whole', () => {
    const ready = {
      msg: 'ready',
      node: 'ann',
      peer: 'P',
      addresses: ['/ip4/127.0.0.1/tcp/4101/p2p/P'],
      api: ['unix:/s', 'http://127.0.0.1:9'],
    }
    const line = JSON.stringify(ready)
    expect(readyNodeOf(line)).toBeUndefined()
    expect(readyNodeOf(`noise\n${line}\n`)).toEqual({ peer: 'P', port: 4101, api: 'http://127.0.0.1:9' })
    expect(switchPortOf('')).toBeUndefined()
    expect(switchPortOf('{"msg":"ready","port":4100}\n')).toBe(4100)
  })
})

describe('equality', () => {
  const state = (node: string, over: Partial<NodeState> = {}): NodeState => ({
    ...{ node, root: 'r', context: 'c', verified: true },
    members: five
      .filter((name) => name !== node)
      .map((name) => ({
        ...{ name, connected: true, converged: true, blocked: false },
      })),
    ...over,
  })

  test('all are equal when each has the same and knows it of each other', () => {
    expect(areEqual(five.map((name) => state(name)))).toBe(true)
    expect(areEqual([])).toBe(true)
    expect(unequalTo([state('ann'), state('bob', { root: 'x' })])).toEqual(['bob'])
    expect(unequalTo([state('ann'), state('bob', { context: 'x' })])).toEqual(['bob'])
    expect(unequalTo([state('ann'), state('bob', { verified: false })])).toEqual(['bob'])
    expect(unequalTo([state('ann', { members: [] }), state('bob')])).toEqual(['ann'])
  })

  test('nodes that a user has cut apart by a block need only have the same', () => {
    const away = (name: string, blocked: boolean) => ({ name, connected: false, converged: false, blocked })
    const ann = state('ann', { members: [away('bob', true)] })
    const bob = state('bob', { members: [away('ann', false)] })
    expect(unequalTo([ann, bob])).toEqual([])
    expect(unequalTo([ann, { ...bob, root: 'x' }])).toEqual(['bob'])
  })

  test('a node has met the others when it is connected to all that it can reach', () => {
    const all = five.map((name) => state(name))
    expect(hasMet('ann', all, () => true)).toBe(true)
    const alone = state('ann', { members: [] })
    expect(hasMet('ann', [alone, state('bob')], () => true)).toBe(false)
    expect(hasMet('ann', [alone, state('bob')], () => false)).toBe(true)
    expect(hasMet('ann', [state('ann', { verified: false })], () => true)).toBe(false)
    expect(hasMet('ann', [], () => true)).toBe(false)
  })

  test('a heal costs what the nodes have sent; a session has two sides', () => {
    const page = (completed: number, bytes: number, entries: number) =>
      `hearsay_sync_completed_total ${completed}\nhearsay_sync_bytes_sent_total ${bytes}\nhearsay_sync_entries_sent_total ${entries}\n`
    const before = [page(3, 100, 1), page(3, 50, 0)].map(syncCountsOf)
    const after = [page(4, 160, 2), page(4, 90, 1)].map(syncCountsOf)
    expect(difference(before, after)).toEqual({ sessions: 1, bytes: 100, entries: 2 })
    expect(syncCountsOf('')).toEqual({ sessions: 0, bytes: 0, entries: 0 })
  })
})

test('people are told in sentences', () => {
  expect(upText(five, 2_140)).toBe('five nodes are up: ann bob cid dan eve, in 2.1 s')
  expect(upText(['ann'], 900)).toBe('one node is up: ann, in 0.9 s')
  const healed = { elapsedMs: 400, sessions: 2, bytes: 312, entries: 2, nodes: five, root: '92f91c36aa', absent: [] }
  expect(healText(healed)).toBe(
    'healed in 0.4 s: 2 sessions, 312 B, 2 entries sent; all five are equal (root 92f91c36)',
  )
  expect(healText({ ...healed, nodes: ['ann', 'bob'], absent: ['cid'] })).toContain(
    'all two are equal (root 92f91c36); cid not running',
  )
  expect(slowText({ groups: [], slow: [{ groups: [['ann'], ['bob']], delayMs: 5, lossPercent: 2 }] })).toBe(
    'slow: ann | bob: 5 ms each way, 2 % lost',
  )
})
