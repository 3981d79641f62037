/** Geometry and lists of the dashboard: hues of equality, the graph and its places, prefixes, windows, differences. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { differencePieces } from '../../daemon/web/page/model/difference.js'
import type { Member, Status } from '../../daemon/web/page/model/events.js'
import { type Graph, graphOf, linksNodesMax } from '../../daemon/web/page/model/graph.js'
import { huesMax, huesOf, rootsOf } from '../../daemon/web/page/model/hues.js'
import { between, fitted, layoutOf, shapeOf } from '../../daemon/web/page/model/layout.js'
import {
  groupsMax,
  type KeyPage,
  scanLimit,
  stepsTo,
  unreadLevel,
  withPage,
} from '../../daemon/web/page/model/prefixes.js'
import { rowWindow } from '../../daemon/web/page/model/window.js'

const node = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
const rootsArbitrary = fc
  .array(fc.tuple(node, fc.constantFrom('x', 'y', 'z')))
  .map((pairs) => new Map([['a', 'x'], ...pairs]))

describe('hues', () => {
  it('are equal exactly where roots are', () => {
    fc.assert(
      fc.property(rootsArbitrary, rootsArbitrary, (before, after) => {
        const hues = huesOf(after, huesOf(before, new Map(), 'a'), 'a')
        for (const [one, root] of after) {
          for (const [other, otherRoot] of after) expect(hues.get(one) === hues.get(other)).toBe(root === otherRoot)
        }
      }),
    )
  })

  it('stay as they are while the groups do, whatever their roots become', () => {
    fc.assert(
      fc.property(rootsArbitrary, (roots) => {
        const hues = huesOf(roots, new Map(), 'a')
        const written = new Map([...roots].map(([id, root]) => [id, `${root}'`]))
        expect(huesOf(written, hues, 'a')).toEqual(hues)
      }),
    )
  })

  it('spread from the larger side when a mesh heals, from this node at a tie', () => {
    const split = huesOf(
      new Map([
        ['a', 'x'],
        ['b', 'y'],
        ['c', 'y'],
      ]),
      new Map(),
      'a',
    )
    const healed = huesOf(
      new Map([
        ['a', 'z'],
        ['b', 'z'],
        ['c', 'z'],
      ]),
      split,
      'a',
    )
    expect(new Set(healed.values())).toEqual(new Set([split.get('b')]))
    const tie = huesOf(
      new Map([
        ['a', 'z'],
        ['b', 'y'],
      ]),
      new Map([
        ['a', 3],
        ['b', 3],
      ]),
      'b',
    )
    expect([tie.get('b'), tie.get('a')]).toEqual([3, 0])
  })

  it('end at the last one', () => {
    const roots = new Map(Array.from({ length: huesMax + 3 }, (_, at) => [`n${at}`, `r${at}`]))
    expect(Math.max(...huesOf(roots, new Map(), 'n0').values())).toBe(huesMax - 1)
  })

  it('come from heartbeats: converged members have the root of this node, members that are away have none', () => {
    const shown = (over: object) => ({ peer: 'p', root: 'bbbbbbbb', converged: false, connected: true, ...over })
    const rootOf = (over: object) => rootsOf({ peer: 'me', root: 'aaaaaaaa0000' }, [shown(over)]).get('p')
    expect(rootOf({})).toBe('bbbbbbbb')
    expect(rootOf({ converged: true, root: null })).toBe('aaaaaaaa')
    expect(rootOf({ connected: false })).toBeUndefined()
  })
})

function meshOf(count: number, over: (at: number) => Partial<Member> = () => ({})): Status {
  const names = Array.from({ length: count }, (_, at) => `m${at}`)
  const members = names.map((peer, at) => {
    const hears = ['self', ...names.filter((name) => name !== peer)]
    return {
      name: peer,
      peer,
      connected: true,
      converged: true,
      blocked: false,
      behind: 0,
      ahead: 0,
      root: 'aa',
      hears,
      ...over(at),
    }
  })
  return { node: 'self', peer: 'self', root: 'aa', members } as unknown as Status
}

const graphFor = (status: Status): Graph => {
  const roots = rootsOf(status, status.members)
  return graphOf(status, roots, huesOf(roots, new Map(), 'self'))
}

describe('the graph', () => {
  it('draws lines, gaps, bars and hollow discs', () => {
    const status = meshOf(4, (at) => {
      if (at === 1) return { connected: false, hears: [] }
      if (at === 2) return { connected: false, converged: false, hears: [] }
      return at === 3 ? { connected: false, blocked: true } : { hears: ['self', 'm1'] }
    })
    const { nodes, links } = graphFor(status)
    const form = (from: string, to: string) => links.find((link) => link.from === from && link.to === to)?.form
    expect([form('self', 'm0'), form('self', 'm1'), form('self', 'm3')]).toEqual(['line', 'gap', 'bar'])
    expect(form('m0', 'm1')).toBe('line')
    expect(nodes.map(({ id, isHollow }) => [id, isHollow])).toEqual([
      ['self', false],
      ['m0', false],
      ['m1', false],
      ['m2', true],
      ['m3', false],
    ])
    expect(nodes.find(({ id }) => id === 'm1')?.word).toBe('no link')
  })

  it('has places apart from each other, the same each time, within its box', () => {
    for (const count of [1, 4, 12, 40]) {
      const graph = graphFor(meshOf(count))
      const places = layoutOf(graph, new Map())
      expect(places).toEqual(layoutOf(graph, new Map()))
      const box = { width: 700, height: 420, marginX: 60, marginTop: 40, marginBottom: 70 }
      const points = [...fitted(places, box).values()]
      for (const { x, y } of points) {
        expect([x >= 59 && x <= 641, y >= 39 && y <= 351]).toEqual([true, true])
      }
      const raw = [...places.values()]
      for (const [at, one] of raw.entries()) {
        for (const other of raw.slice(at + 1)) expect(Math.hypot(one.x - other.x, one.y - other.y)).toBeGreaterThan(60)
      }
    }
  })

  it('lets cut sides drift apart', () => {
    const sides = meshOf(5, (at) => ({
      hears: at < 2 ? ['self', 'm0', 'm1'] : ['m2', 'm3', 'm4'],
      connected: at < 2,
      converged: at < 2,
    }))
    const places = layoutOf(graphFor(sides), new Map())
    const far = (a: string, b: string) =>
      Math.hypot(places.get(a)!.x - places.get(b)!.x, places.get(a)!.y - places.get(b)!.y)
    expect(far('self', 'm3')).toBeGreaterThan(1.2 * far('self', 'm0'))
  })

  it('of a thousand members has the links of this node alone', () => {
    const graph = graphFor(meshOf(1000, (at) => ({ root: at % 2 === 0 ? 'aa' : 'bb', converged: false })))
    expect(graph.links.length).toBe(1000)
    expect(layoutOf(graph, new Map()).size).toBe(1001)
    expect(graph.nodes.length).toBeGreaterThan(linksNodesMax)
  })

  it('keeps its shape when only roots change, and moves evenly when it does not', () => {
    const shape = shapeOf(graphFor(meshOf(3)))
    expect(shapeOf(graphFor(meshOf(3, () => ({ root: 'bb', converged: false }))))).toBe(shape)
    expect(shapeOf(graphFor(meshOf(3, () => ({ connected: false, hears: [] }))))).not.toBe(shape)
    const way = between(
      new Map([['a', { x: 0, y: 0 }]]),
      new Map([
        ['a', { x: 10, y: 4 }],
        ['b', { x: 1, y: 1 }],
      ]),
      0.5,
    )
    expect([...way]).toEqual([
      ['a', { x: 5, y: 2 }],
      ['b', { x: 1, y: 1 }],
    ])
  })
})

describe('prefixes', () => {
  const pageOf = (keys: readonly string[], prefix: string, after: string): KeyPage => {
    const left = keys.filter((key) => key.startsWith(prefix) && key > after)
    const items = left.slice(0, scanLimit).map((key) => ({ key }))
    return { items, next: left.length > items.length ? items.at(-1)!.key : null }
  }
  const levelOf = (keys: readonly string[], prefix = '') => {
    let level = unreadLevel(prefix)
    while (level.after !== null) level = withPage(level, pageOf(keys, prefix, level.after))
    return level
  }
  const list = (count: number, prefix: string) =>
    Array.from({ length: count }, (_, at) => `${prefix}${String(at).padStart(6, '0')}`)

  it('are counted, keys beside them', () => {
    const keys = ['a', 'a/1', 'a/2/x', 'b/', 'c'].toSorted()
    expect(levelOf(keys).groups.map(({ label, isKey, count }) => [label, isKey, count])).toEqual([
      ['a', true, 1],
      ['a/', false, 2],
      ['b/', false, 1],
      ['c', true, 1],
    ])
    expect(levelOf(keys, 'a/').groups.map(({ label }) => label)).toEqual(['1', '2/'])
    expect(stepsTo('a/2/x')).toEqual(['', 'a/', 'a/2/'])
  })

  it('with many keys are leapt over, and cost few requests', () => {
    const keys = [...list(5_000, 'a/'), ...list(20_000, 'b/'), ...list(12, 'c/')]
    const { groups, requests } = levelOf(keys)
    expect(groups.map(({ path, count, isMore }) => [path, count >= scanLimit || count, isMore])).toEqual([
      ['a/', true, true],
      ['b/', true, true],
      ['c/', 12, false],
    ])
    expect(requests).toBeLessThan(6)
  })

  it('end at a bound', () => {
    const { groups, isCut } = levelOf(list(5_000, '').map((key) => `${key}/x`))
    expect([groups.length <= groupsMax + scanLimit, isCut]).toEqual([true, true])
  })
})

describe('the window of a list', () => {
  it('holds the rows in view, and the heights of all others', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(50_000_000), fc.nat(2000), (count, top, height) => {
        const { first, end, above, below } = rowWindow(count, 40, top, height)
        expect(above + below + (end - first) * 40).toBe(Math.max(count, first) * 40)
        expect(end - first).toBeLessThanOrEqual(Math.ceil(height / 40) + 18)
        const inView = Math.floor(top / 40)
        if (inView < count && height > 0) expect([first <= inView, end > inView]).toEqual([true, true])
      }),
    )
  })
})

describe('differences', () => {
  const text = fc
    .array(fc.constantFrom('tea', 'milk', ' ', '\n', '- ', 'ü', '🍵'), { maxLength: 30 })
    .map((parts) => parts.join(''))

  it('are pieces of the text itself, and the common ones are in the other in this order', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        const pieces = differencePieces(one, other)
        expect(pieces.map((piece) => piece.text).join('')).toBe(one)
        let at = -1
        for (const piece of pieces.filter(({ isCommon }) => isCommon)) {
          for (const character of piece.text) {
            at = other.indexOf(character, at + 1)
            expect(at).toBeGreaterThanOrEqual(0)
          }
        }
      }),
    )
  })

  it('mark the words that the other lacks', () => {
    expect(differencePieces('buy green tea', 'buy coffee')).toEqual([
      { text: 'buy ', isCommon: true },
      { text: 'green tea', isCommon: false },
    ])
    expect(differencePieces('same', 'same')).toEqual([{ text: 'same', isCommon: true }])
    expect(differencePieces('', 'x')).toEqual([])
  })

  it('of long texts end soon', () => {
    const long = (word: string) => Array.from({ length: 5_000 }, (_, at) => `${word}${at}`).join(' ')
    const pieces = differencePieces(`start ${long('a')} end`, `start ${long('b')} end`)
    expect(pieces.map(({ isCommon }) => isCommon)).toEqual([true, false, true])
  })
})
