/** The redial supervisor's decisions, in virtual time. */
import { describe, expect, test } from 'vitest'
import * as limits from '../../daemon/net/limits.js'
import { type Dial, SupervisorCore } from '../../daemon/net/supervisor-core.js'
import { fullMeshNodesMax } from '../../protocols/membership/limits.js'
import { Random } from '../support/random.js'

/** A source of numbers that a seed decides. */
function seeded(seed: number): () => number {
  const random = new Random(seed)
  return () => random.next()
}

const address = (peer: string): string => `/dns4/${peer}.example/tcp/7400`
const member = (peer: string): { peer: string; addresses: string[] } => ({ peer, addresses: [address(peer)] })
const names = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `n${String(index).padStart(3, '0')}`)

/**
 * Runs one core until a time; every dial ends at once, as `answers` says. Returns the times of the dials per target.
 */
function run(core: SupervisorCore, fromMs: number, untilMs: number, answers: (dial: Dial) => string | undefined) {
  const times = new Map<string, number[]>()
  for (let nowMs = fromMs; nowMs <= untilMs; ) {
    const { dials, nextMs } = core.step(nowMs)
    for (const dial of dials) {
      times.set(dial.key, [...(times.get(dial.key) ?? []), nowMs])
      const peer = answers(dial)
      core.dialEnded(dial.key, peer === undefined ? undefined : { peer, address: dial.addresses[0] ?? '' }, nowMs)
      if (peer !== undefined) core.connected(peer, 'outbound', nowMs)
    }
    if (dials.length === 0) nowMs = Math.max(nextMs, nowMs + 1)
  }
  return times
}

describe('one node', () => {
  test('redials a dead member for ever, with pauses that double up to a cap and are jittered', () => {
    const core = new SupervisorCore('a', seeded(1))
    core.setMembers([member('b')], 0)
    const times = run(core, 0, 600_000, () => undefined).get('b') ?? []
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    expect(times[0]).toBe(0)
    pauses.forEach((pause, index) => {
      const plain = Math.min(limits.redialFirstMs * 2 ** index, limits.redialSmallMeshMaxMs)
      expect(pause).toBeGreaterThanOrEqual(plain * 0.75)
      expect(pause).toBeLessThanOrEqual(plain * 1.25 + 1)
    })
    expect(times.length).toBeGreaterThan(600_000 / (limits.redialSmallMeshMaxMs * 1.25))
    expect(new Set(pauses.slice(-20)).size).toBeGreaterThan(10)
  })

  test('the greater peer id leaves the first move to the smaller', () => {
    const core = new SupervisorCore('z', seeded(1))
    core.setMembers([member('b')], 0)
    expect(core.step(0)).toEqual({ dials: [], close: [], nextMs: limits.greaterPeerDelayMs })
    expect(core.step(limits.greaterPeerDelayMs).dials.map(({ key }) => key)).toEqual(['b'])
  })

  test('redials at once after a stable connection, and pauses after short-lived ones', () => {
    const core = new SupervisorCore('a', seeded(2))
    core.setMembers([member('b')], 0)
    run(core, 0, 0, () => 'b')
    expect(core.step(1).dials).toEqual([])
    let nowMs = limits.stableConnectionMs
    core.disconnected('b', nowMs)
    expect(core.step(nowMs).nextMs - nowMs).toBeLessThanOrEqual(limits.redialFirstMs)
    const waits: number[] = []
    for (let round = 0; round < 6; round++) {
      nowMs = core.step(nowMs).nextMs
      const [dial] = core.step(nowMs).dials
      expect(dial?.key).toBe('b')
      core.dialEnded('b', { peer: 'b', address: address('b') }, nowMs)
      core.connected('b', 'outbound', nowMs)
      core.disconnected('b', nowMs + 1)
      waits.push(core.step(nowMs + 1).nextMs - nowMs - 1)
    }
    expect(waits.at(-1)).toBeGreaterThan(limits.redialFirstMs * 4)
    expect(Math.max(...waits)).toBeLessThan(limits.redialSmallMeshMaxMs)
  })

  test('when one peer comes back, all others are tried soon', () => {
    const core = new SupervisorCore('a', seeded(3))
    core.setMembers(['b', 'c', 'd', 'e'].map(member), 0)
    run(core, 0, 60_000, () => undefined)
    core.connected('b', 'inbound', 60_000)
    const times = run(core, 60_000, 60_000 + 2 * limits.hintSpacingMs, ({ key }) => key)
    expect([...times.keys()].sort()).toEqual(['c', 'd', 'e'])
  })

  test('never dials a refused peer, and dials it soon after', () => {
    const core = new SupervisorCore('a', seeded(4))
    core.setRefused((peer) => peer === 'b')
    core.setMembers([member('b'), member('c')], 0)
    expect([...run(core, 0, 100_000, () => undefined).keys()]).toEqual(['c'])
    core.setRefused(() => false)
    core.retrySoon(100_000)
    expect(run(core, 100_000, 100_000 + limits.hintSpacingMs, () => undefined).has('b')).toBe(true)
  })

  test('a discovered stranger is dialled at once, given up after many failures, and found again; a member never is given up', () => {
    const core = new SupervisorCore('a', seeded(5))
    core.learn('s', [address('s')], 0)
    const times = run(core, 0, 3_600_000, () => undefined).get('s') ?? []
    expect(times[0]).toBe(0)
    expect(times).toHaveLength(limits.strangerFailuresMax)
    expect(core.size).toBe(0)
    core.learn('s', [address('s')], 3_600_000)
    expect(core.step(3_600_000).dials.map(({ key }) => key)).toEqual(['s'])
  })

  test('strangers and addresses are bounded', () => {
    const core = new SupervisorCore('a', seeded(6))
    for (let index = 0; index < limits.strangersMax + 100; index++) core.learn(`s${index}`, [address('s')], 0)
    expect(core.size).toBe(limits.strangersMax)
    const many = new SupervisorCore('a', seeded(6))
    many.learn(
      'b',
      Array.from({ length: 100 }, (_, index) => `/ip4/192.0.2.1/tcp/${index + 1}`),
      0,
    )
    expect(many.step(0).dials[0]?.addresses).toHaveLength(limits.addressesPerPeerMax)
  })

  test('the address that worked last is tried first, loopback last, and an announcement does not reset a pause', () => {
    const core = new SupervisorCore('a', seeded(7))
    core.learn('b', ['/ip4/127.0.0.1/tcp/1', '/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.2/tcp/1/p2p/b'], 0)
    const [first] = core.step(0).dials
    expect(first?.addresses).toEqual(['/ip4/192.0.2.2/tcp/1', '/ip4/192.0.2.1/tcp/1', '/ip4/127.0.0.1/tcp/1'])
    core.dialEnded('b', { peer: 'b', address: '/ip4/192.0.2.1/tcp/1' }, 0)
    core.connected('b', 'outbound', 0)
    core.disconnected('b', 1)
    const { nextMs } = core.step(1)
    core.learn('b', [], 2)
    expect(core.step(2).nextMs).toBe(nextMs)
    expect(core.step(nextMs).dials[0]?.addresses[0]).toBe('/ip4/192.0.2.1/tcp/1')
  })

  test('a bare address counts as reached while the peer behind it is connected, and is dialled again after', () => {
    const core = new SupervisorCore('a', seeded(8))
    core.addStatic('/dns4/seed.example/tcp/7400', 0)
    expect([...run(core, 0, 50_000, () => 'b').values()]).toEqual([[0]])
    core.disconnected('b', 50_000)
    expect(run(core, 50_000, 60_000, () => 'c').get('/dns4/seed.example/tcp/7400')?.length).toBe(1)
    core.addStatic(`${address('a')}/p2p/a`, 0)
    expect(run(core, 60_000, 90_000, () => 'b').has('a')).toBe(false)
  })
})

/** Many cores on one virtual network that can be cut. */
class VirtualMesh {
  readonly cores = new Map<string, SupervisorCore>()
  readonly links = new Map<string, { from: string; to: string }>()
  isOpen: (a: string, b: string) => boolean = () => true
  nowMs = 0

  constructor(
    count: number,
    private readonly stepMs: number,
  ) {
    for (const name of names(count))
      this.cores.set(name, new SupervisorCore(name, seeded(name.length + count + this.cores.size)))
    for (const [name, core] of this.cores)
      core.setMembers(
        names(count)
          .filter((each) => each !== name)
          .map(member),
        0,
      )
  }

  run(untilMs: number): void {
    for (; this.nowMs < untilMs; this.nowMs += this.stepMs) {
      for (const [name, core] of this.cores) {
        const { dials, close } = core.step(this.nowMs)
        for (const peer of close) this.cut(name, peer)
        for (const dial of dials) this.#dial(name, dial)
      }
    }
  }

  /** Ends every link that may not stand. */
  partition(isOpen: (a: string, b: string) => boolean): void {
    this.isOpen = isOpen
    for (const { from, to } of [...this.links.values()]) if (!isOpen(from, to)) this.cut(from, to)
  }

  cut(a: string, b: string): void {
    if (!this.links.delete(pairOf(a, b))) return
    this.cores.get(a)?.disconnected(b, this.nowMs)
    this.cores.get(b)?.disconnected(a, this.nowMs)
  }

  /** The sizes of the connected parts, greatest first. */
  parts(): number[] {
    const left = new Set(this.cores.keys())
    const sizes: number[] = []
    for (const start of this.cores.keys()) {
      const queue = left.delete(start) ? [start] : []
      for (const at of queue) {
        for (const { from, to } of this.links.values()) {
          const next = from === at ? to : to === at ? from : undefined
          if (next !== undefined && left.delete(next)) queue.push(next)
        }
      }
      if (queue.length > 0) sizes.push(queue.length)
    }
    return sizes.sort((a, b) => b - a)
  }

  #dial(from: string, dial: Dial): void {
    const to = dial.key
    const isNew = this.isOpen(from, to) && !this.links.has(pairOf(from, to))
    if (isNew) {
      this.links.set(pairOf(from, to), { from, to })
      this.cores.get(from)?.connected(to, 'outbound', this.nowMs)
      this.cores.get(to)?.connected(from, 'inbound', this.nowMs)
    }
    this.cores.get(from)?.dialEnded(to, isNew ? { peer: to, address: address(to) } : undefined, this.nowMs)
  }
}

function pairOf(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}

describe('a mesh', () => {
  test('of up to 16 nodes connects all with all, and within seconds after a long cut', () => {
    const mesh = new VirtualMesh(fullMeshNodesMax, 50)
    mesh.run(2_000)
    expect(mesh.links.size).toBe((16 * 15) / 2)
    mesh.partition((a, b) => a < 'n008' === b < 'n008')
    mesh.run(300_000)
    expect(mesh.parts()).toEqual([8, 8])
    mesh.partition(() => true)
    mesh.run(304_000)
    expect(mesh.links.size).toBe((16 * 15) / 2)
  })

  test('of 60 nodes keeps a few random connections each, and halves that refilled meet again', () => {
    const mesh = new VirtualMesh(60, 250)
    mesh.run(600_000)
    expect(mesh.parts()).toEqual([60])
    const out = new Map<string, number>()
    for (const { from } of mesh.links.values()) out.set(from, (out.get(from) ?? 0) + 1)
    expect(Math.max(...out.values())).toBeLessThanOrEqual(limits.partialMeshDials + 4)
    expect(mesh.links.size).toBeLessThan(60 * (limits.partialMeshDials + 2))
    expect(mesh.links.size).toBeGreaterThan(60 * 4)
    mesh.partition((a, b) => a < 'n030' === b < 'n030')
    mesh.run(900_000)
    expect(mesh.parts()).toEqual([30, 30])
    mesh.partition(() => true)
    mesh.run(910_000)
    expect(mesh.parts()).toEqual([60])
  })
})
