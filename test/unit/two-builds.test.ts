/**
 * This build beside one that knows one more type, says more in its messages, and sends messages that are not known
 * here: nothing is cut, nothing is lost on the way through either, and nothing that is there is taken for absent.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import * as present from '../support/build-node.js'
import type { BareOptions } from '../support/mesh-nodes.js'
import { speakLater } from '../support/network/later.js'
import { FakeMesh } from '../support/network/mesh.js'
import { VirtualWorld } from '../support/virtual-environment.js'

type Build = typeof present
type BuildNode = present.BuildNode

/** The type that the later build knows, and what it is called where it is not known. */
const later = 'list'
const byNumber = 'type-6'

/** All modules once more, over a table of types that has one more. */
async function buildWith(type: string): Promise<Build> {
  vi.resetModules()
  vi.doMock('../../store/model/types-known.js', async (original) => {
    const { knownTypes } = await original<{ knownTypes: readonly string[] }>()
    return { knownTypes: [...knownTypes, type] }
  })
  return import('../support/build-node.js')
}

let laterBuild: Build

beforeAll(async () => {
  laterBuild = await buildWith(later)
})

afterAll(() => {
  vi.doUnmock('../../store/model/types-known.js')
  vi.resetModules()
})

/** Nodes `p…` of this build and `l…` of the later one, not connected; the later ones say all that only they know. */
async function open(names: readonly string[], options: BareOptions = {}) {
  const world = new VirtualWorld(5)
  const mesh = new FakeMesh(world)
  const nodes: BuildNode[] = []
  for (const name of names) {
    const isLater = name.startsWith('l')
    const build = isLater ? laterBuild : present
    nodes.push(await build.openBuildNode(mesh, name, { ...options, ...(isLater && { prepare: speakLater }) }))
  }
  return { world, mesh, nodes }
}

/** All have everything: equal roots and contexts, and the same live versions. */
async function expectEqual(nodes: readonly BuildNode[]): Promise<void> {
  expect(new Set(nodes.map((node) => node.state())).size).toBe(1)
  const [first, ...rest] = await Promise.all(nodes.map((node) => node.live()))
  for (const one of rest) expect(one).toEqual(first)
  expect(nodes.flatMap(({ node }) => node.errors)).toEqual([])
}

/** Until then, what is published while nobody is connected has gone nowhere. */
const gossipMs = 1_000

const isEqual = (nodes: readonly BuildNode[]) => new Set(nodes.map((node) => node.state())).size === 1

/** The names of a node's type: what each build calls it. */
const nameAt = (node: BuildNode) => (node.node.peer.startsWith('l') ? later : byNumber)

describe('a build that knows one more type', () => {
  it('is another build: each has its own name for the number', async () => {
    const { world, nodes } = await open(['p', 'l'])
    for (const node of nodes) await world.runThrough(node.put(nameAt(node), 'k', 'v'))
    expect(await Promise.all(nodes.map((node) => node.values()))).toEqual([['6 k v'], ['6 k v']])
    expect(await Promise.all(nodes.map((node) => node.typesAt('k')))).toEqual([[byNumber], [later]])
    await expect(nodes[0]!.put(later, 'k', 'v')).rejects.toThrow('is no type')
  })

  it.each([
    ['in the middle', ['l1', 'p', 'l2']],
    ['at the ends', ['p1', 'l', 'p2']],
  ])('gossips through nodes of the other build %s', async (_, names) => {
    const { world, mesh, nodes } = await open(names)
    mesh.connect(names[0]!, names[1]!)
    mesh.connect(names[1]!, names[2]!)
    await world.runUntil(() => nodes.every(({ node }) => node.membership.records().length === 2))
    for (const [at, node] of nodes.entries()) {
      await world.runThrough(node.put(nameAt(node), 'small', `by ${at}`))
      await world.runThrough(node.put(nameAt(node), `large-${at}`, 'x'.repeat(200_000)))
    }
    await world.runUntil(() => isEqual(nodes), { limitMs: 10_000, what: 'gossip reached all' })
    const neighboursOf = ({ node }: BuildNode) => node.membership.members().filter(({ connected }) => connected)
    const isShown = () => nodes.every((node) => neighboursOf(node).every(({ converged }) => converged))
    await world.runUntil(isShown, { limitMs: 10_000, what: 'heartbeats showed it' })
    await expectEqual(nodes)
    for (const { node } of nodes)
      expect(node.gossip.counts).toMatchObject({ malformed: 0, gaps: 0, announcementsGivenUp: 0 })
    expect(nodes.some(({ node }) => node.gossip.counts.later > 0)).toBe(true)
    expect(mesh.handlerFailures).toEqual([])
  })

  it.each([
    ['p', 'l'],
    ['l', 'p'],
  ])('syncs by delta, opened by %s', async (opener, other) => {
    const { world, mesh, nodes } = await open([opener, other])
    const one = nodes[0]!
    mesh.connectAll()
    await world.runThrough(one.put(nameAt(one), 'common', 'v'))
    await world.runUntil(() => isEqual(nodes))
    mesh.disconnect(opener, other)
    for (const node of nodes) {
      await world.runThrough(node.put(nameAt(node), 'both', node.node.peer))
      await world.runThrough(node.put(nameAt(node), 'common', `${node.node.peer} over it`, true))
      await world.runThrough(node.put('reg', 'text', node.node.peer))
    }
    await world.runFor(gossipMs)
    mesh.connectAll()
    const report = await world.runThrough(one.sync(other))
    expect(report).toMatchObject({ mode: 'delta', ended: 'complete', entriesSent: 3 })
    await world.runUntil(() => isEqual(nodes), { limitMs: 1_000, what: 'both are done' })
    await expectEqual(nodes)
    expect((await one.values()).filter((line) => line.startsWith('6 '))).toEqual([
      '6 both l',
      '6 both p',
      '6 common l over it',
      '6 common p over it',
    ])
  })

  it.each([
    ['p', 'l'],
    ['l', 'p'],
  ])('syncs by the tree, opened by %s, and removes what the other has removed', async (opener, other) => {
    const { world, mesh, nodes } = await open([opener, other], { logBytesMax: 0 })
    const [one, two] = nodes as [BuildNode, BuildNode]
    // Nobody writes records meanwhile.
    for (const { node } of nodes) await world.runThrough(node.membership.stop())
    for (let at = 0; at < 400; at++) await world.runThrough(one.put(nameAt(one), `key-${at}`, `${at}`))
    mesh.connectAll()
    await world.runThrough(one.sync(other))
    await world.runUntil(() => isEqual(nodes), { limitMs: 1_000, what: 'both are done' })
    await expectEqual(nodes)
    mesh.disconnect(opener, other)
    for (let at = 0; at < 40; at++) {
      await world.runThrough(one.remove(nameAt(one), `key-${at}`))
      await world.runThrough(two.put(nameAt(two), `new-${at}`, 'v'))
      await world.runThrough(two.remove(nameAt(two), `key-${399 - at}`))
    }
    await world.runFor(gossipMs)
    for (const { node } of nodes) await world.runThrough(node.replica.upkeep.trim())
    mesh.connectAll()
    expect(await world.runThrough(one.sync(other))).toMatchObject({ mode: 'tree', ended: 'complete' })
    await world.runUntil(() => isEqual(nodes), { limitMs: 1_000, what: 'both are done' })
    await expectEqual(nodes)
    expect(await one.values()).toHaveLength(400 - 40 - 40 + 40)
  })

  it('brings everything to an empty node of the other build', async () => {
    for (const names of [
      ['p', 'l'],
      ['l', 'p'],
    ]) {
      const { world, mesh, nodes } = await open(names)
      const [one, two] = nodes as [BuildNode, BuildNode]
      for (let at = 0; at < 100; at++) await world.runThrough(one.put(nameAt(one), `key-${at}`, 'v'))
      // So that not even its own record is there.
      for (const { node } of nodes) await world.runThrough(node.membership.stop())
      mesh.connectAll()
      expect(await world.runThrough(two.sync(names[0]!))).toMatchObject({ mode: 'full', ended: 'complete' })
      await world.runUntil(() => isEqual(nodes), { limitMs: 1_000, what: 'both are done' })
      await expectEqual(nodes)
    }
  })
})

describe('what passes through a node of the other build', () => {
  /** Some data of both types at one node. */
  async function filled(name: string) {
    const { world, mesh, nodes } = await open([name])
    const node = nodes[0]!
    await world.runThrough(node.put(nameAt(node), 'k', 'one'))
    await world.runThrough(node.put(nameAt(node), 'k', 'two'))
    await world.runThrough(node.put(nameAt(node), 'gone', 'v'))
    await world.runThrough(node.remove(nameAt(node), 'gone'))
    await world.runThrough(node.put('reg', 'k', 'text'))
    return { world, mesh, node }
  }
  const values = ['0 k text', '6 k one', '6 k two']
  const buildOf = (name: string) => (name === 'l' ? laterBuild : present)

  it.each([
    ['p', 'l'],
    ['l', 'p'],
  ])('is exported by %s, imported by %s, and the same way back', async (from, to) => {
    const [source, target, home] = [await filled(from), await open([to]), await open([from])]
    const over = async (lines: string, world: VirtualWorld, node: BuildNode) => world.runThrough(node.import(lines))
    const lines = await source.node.exported()
    expect(await over(lines, target.world, target.nodes[0]!)).toMatchObject({ imported: 2, skipped: 0, failures: 0 })
    expect(await over(lines, target.world, target.nodes[0]!)).toMatchObject({ imported: 0, skipped: 2, failures: 0 })
    const back = await target.nodes[0]!.exported()
    expect(await over(back, home.world, home.nodes[0]!)).toMatchObject({ imported: 2, failures: 0 })
    for (const node of [target.nodes[0]!, home.nodes[0]!]) expect(await node.values()).toEqual(values)
  })

  it.each([
    ['p', 'l'],
    ['l', 'p'],
  ])('is backed up by %s, restored by %s, and the same way back', async (from, to) => {
    const { node, mesh } = await filled(from)
    const there = await buildOf(to).restored(await node.backup())
    const restored = await buildOf(to).openBuildNode(mesh, `${to}2`, { store: there })
    expect(restored.state()).toBe(node.state())
    const back = await buildOf(from).restored(await restored.backup())
    const again = await buildOf(from).openBuildNode(mesh, `${from}3`, { store: back })
    expect(again.state()).toBe(node.state())
    expect(await again.live()).toEqual(await node.live())
  })

  it('is in the change feed, and in the store of a node that is upgraded, or goes back', async () => {
    const { node, mesh } = await filled('p')
    expect(await node.changes()).toEqual([
      `put ${byNumber} k null`,
      `put ${byNumber} k null`,
      `put ${byNumber} gone null`,
      `del ${byNumber} gone null`,
      'put reg k text',
    ])
    await node.stop()
    const upgraded = await laterBuild.openBuildNode(mesh, 'l', { store: await laterBuild.takeOver(node.node.store) })
    expect(await upgraded.typesAt('k')).toEqual(['reg', later])
    expect((await upgraded.changes())[0]).toBe(`put ${later} k null`)
    expect(await upgraded.values()).toEqual(values)
    await upgraded.put(later, 'k', 'three')
    await upgraded.stop()
    const back = await present.openBuildNode(mesh, 'p', { store: await present.takeOver(upgraded.node.store) })
    expect(await back.values()).toEqual([...values, '6 k three'].sort())
    expect(await back.typesAt('k')).toEqual(['reg', byNumber])
  })
})
