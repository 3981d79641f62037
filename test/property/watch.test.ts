/**
 * The change feed against what was committed: random writes, deliveries, joins and trims; readers of random prefixes
 * and speeds that are cut at any event, over restarts of the node: each sees exactly the sequence that it should.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WatchHub } from '../../daemon/watch/hub.js'
import { eventJson } from '../../daemon/watch/render.js'
import type { MemoryStore } from '../../store/memory.js'
import { type Address, register, systemAddress } from '../../store/model/address.js'
import { dotText } from '../../store/model/dot.js'
import type { Update } from '../../store/model/update.js'
import type { FeedEvent } from '../../store/replica/types.js'
import { amount } from '../support/effort.js'
import { playHistory, steps } from '../support/histories.js'
import { type OpenReplica, openNode } from '../support/replicas.js'
import { StillEnvironment } from '../support/still-environment.js'
import { settleTasks, Watcher } from '../support/watchers.js'

const members = new Map<string, string>()
const keys = ['key-0', 'key-1', 'key-2', 'a/1', 'a/2', 'b/1']
const prefixes = ['', 'key-', 'key-1', 'a/', 'nothing']
const address = (at: number): Address => (at % 9 === 8 ? systemAddress('record') : register(keys[at % keys.length]!))

type From = 'now' | 'beginning' | 'initial'

type Act =
  | { readonly act: 'put' | 'delete'; readonly key: number; readonly size: number }
  | { readonly act: 'deliver'; readonly draws: readonly number[] }
  | { readonly act: 'join' | 'trim' | 'restart' }
  | { readonly act: 'open'; readonly prefix: number; readonly from: From }
  | { readonly act: 'take'; readonly reader: number; readonly frames: number }
  | { readonly act: 'cut'; readonly reader: number; readonly frames: number }

const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        act: fc.constantFrom('put' as const, 'put' as const, 'delete' as const),
        key: fc.nat(8),
        size: fc.constantFrom(3, 3, 3, 900),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        act: fc.constant('deliver' as const),
        draws: fc.array(fc.nat(1000), { minLength: 1, maxLength: 4 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ act: fc.constantFrom('join' as const, 'trim' as const) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('restart' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        act: fc.constant('open' as const),
        prefix: fc.nat(prefixes.length - 1),
        from: fc.constantFrom('now' as const, 'beginning' as const, 'initial' as const, 'initial' as const),
      }),
    },
    { weight: 5, arbitrary: fc.record({ act: fc.constant('take' as const), reader: fc.nat(), frames: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('cut' as const), reader: fc.nat(), frames: fc.nat(3) }) },
  ),
  { maxLength: 60, size: 'max' },
)

interface Opened {
  readonly watcher: Watcher
  /** The position after which it must have seen everything. */
  readonly after: number
  /** Up to here it saw only what was live. */
  readonly base: number
}

/** One node with its hub, and everything that its feed told. */
class World {
  readonly told: FeedEvent[] = []
  readonly opened: Opened[] = []
  /** What another node has, which this one learns in pieces. */
  readonly updates: readonly Update[]
  #node!: OpenReplica
  #other!: OpenReplica
  #hub!: WatchHub
  #runs = 0
  readonly #recent: { eventsMax: number; bytesMax: number }

  constructor(updates: readonly Update[], eventsMax: number) {
    this.updates = updates
    this.#recent = { eventsMax, bytesMax: eventsMax * 700 }
  }

  async start(): Promise<void> {
    this.#other = await openNode('b')
    await this.#other.replica.sync.applyUpdates({ updates: [...this.updates], members })
    await this.#open()
  }

  async #open(store?: MemoryStore): Promise<void> {
    // Each run of a node draws other random bytes: an id is never taken twice.
    const environment = new StillEnvironment(`a${this.#runs++}`)
    this.#node = await openNode('a', store === undefined ? {} : { store }, environment)
    const { replica } = this.#node
    replica.log.setObligations([])
    this.#hub = new WatchHub({
      replica,
      environment,
      nameOf: (member) => member,
      recent: this.#recent,
      pageRowsMax: 3,
    })
    replica.onCommit((commit) => {
      this.told.push(...commit.events)
      this.#hub.committed(commit)
    })
  }

  async run(act: Act): Promise<void> {
    const { replica } = this.#node
    const reader = 'reader' in act && this.opened.length > 0 ? this.opened[act.reader % this.opened.length]! : undefined
    if (act.act === 'put') {
      const at = address(act.key)
      await replica.transact((transaction) => {
        const dots = transaction.versions(at).map((version) => version.dot)
        transaction.put(at, Buffer.alloc(act.size, 'v'), null, act.size > 3 ? dots : dots.slice(1))
      })
    } else if (act.act === 'delete') {
      const at = address(act.key)
      await replica.transact((transaction) => {
        const dots = transaction.versions(at).map((version) => version.dot)
        if (dots.length > 0) transaction.remove(at, dots)
      })
    } else if (act.act === 'deliver' && this.updates.length > 0) {
      const updates = act.draws.map((draw) => this.updates[draw % this.updates.length]!)
      await replica.sync.applyUpdates({ updates, members })
    } else if (act.act === 'join') await this.#join()
    else if (act.act === 'trim') await replica.upkeep.trim()
    else if (act.act === 'restart') await this.#restart()
    else if (act.act === 'open') await this.#watch(prefixes[act.prefix]!, act.from)
    else if (act.act === 'take') await reader?.watcher.take()
    else if (act.act === 'cut' && reader !== undefined) {
      await reader.watcher.cut(act.frames)
      await reader.watcher.open(this.#hub)
    }
  }

  /** Learns everything by comparing trees: removals among it. */
  async #join(): Promise<void> {
    const peer = this.#other.replica.sync.capture()
    const entries = keys.map((key) => this.#other.replica.sync.peerEntryAt(register(key)))
    await this.#node.replica.sync.joinEntries(entries, peer)
  }

  async #restart(): Promise<void> {
    const store = (this.#node.store as MemoryStore).clone()
    for (const { watcher } of this.opened) await watcher.cut(1)
    await this.#hub.stop()
    await this.#node.replica.close()
    await this.#open(store)
    await this.#node.replica.upkeep.trim()
    for (const { watcher } of this.opened) await watcher.open(this.#hub)
  }

  async #watch(prefix: string, from: From): Promise<void> {
    const { sequence, floor } = this.#node.replica.feed.bounds
    const watcher = new Watcher(prefix, from === 'beginning' ? '0' : undefined, from === 'initial')
    this.opened.push({ watcher, after: from === 'now' ? sequence : 0, base: from === 'beginning' ? floor : sequence })
    await watcher.open(this.#hub)
    // One that never heard where it stands would begin again.
    await watcher.take()
  }

  /** What a reader must have seen behind its base, as far as it is not forgotten: values may be. */
  expected({ watcher, base }: Opened) {
    return this.told
      .filter(({ sequence, address }) => {
        return sequence > base && address.type !== 'sys' && address.key.startsWith(watcher.prefix)
      })
      .map((event) => ({ sequence: event.sequence, json: this.json(event) }))
  }

  /** Dots that are live now at keys with a prefix. */
  liveDots(prefix: string): string[] {
    return keys
      .filter((key) => key.startsWith(prefix))
      .flatMap((key) => this.#node.replica.versions(register(key)).map(({ dot }) => dotText(dot)))
  }

  json(event: FeedEvent) {
    const { replica } = this.#node
    return eventJson(event, { memberOf: replica.memberOf, nameOf: (member) => member })
  }

  async finish(): Promise<void> {
    for (const { watcher } of this.opened) await watcher.takeAll()
  }

  get bytes(): number {
    return this.#hub.bytes
  }

  async end(): Promise<void> {
    for (const { watcher } of this.opened) await watcher.cut()
    await this.#hub.stop()
    expect(this.#hub.readers).toBe(0)
  }
}

/**
 * Without the value, which may be gone when the event is read late, and what was superseded, which may be learnt later.
 */
const bare = ({ value: _value, encoding: _encoding, supersedes: _supersedes, ...rest }: Record<string, unknown>) => rest

/** Dots that are live to a reader who does as the events say. */
function followed(events: readonly Record<string, unknown>[]): Set<string> {
  const live = new Set<string>()
  for (const { op, dot, supersedes = [] } of events) {
    // A removal that was found by comparing trees names the removed dot.
    if (op === 'put') live.add(dot as string)
    else live.delete(dot as string)
    for (const other of supersedes as string[]) live.delete(other)
  }
  return live
}

describe('readers of the change feed', () => {
  it('see exactly what was committed, in its order, whatever becomes of them and of the node', async () => {
    let seen = 0
    let states = 0
    await fc.assert(
      fc.asyncProperty(steps(3, 3, 16), acts, fc.integer({ min: 1, max: 6 }), async (history, script, eventsMax) => {
        const world = new World(playHistory(history).updates, eventsMax)
        await world.start()
        for (const act of script) await world.run(act)
        await world.finish()
        expect(world.told.map(({ sequence }) => sequence)).toEqual(world.told.map((_, at) => at + 1))
        for (const opened of world.opened) {
          const { received } = opened.watcher
          const behind = received.filter(({ sequence }) => sequence > opened.base)
          const expected = world.expected(opened)
          expect(behind.map(({ sequence, data }) => [sequence, bare(data)])).toEqual(
            expected.map(({ sequence, json }) => [sequence, bare(json)]),
          )
          for (const [at, { data }] of behind.entries()) {
            if (data.value !== null) expect(data.value).toEqual(expected[at]!.json.value)
          }
          const before = received.slice(0, received.length - behind.length)
          expect(before.every(({ data }) => data.op === 'put')).toBe(true)
          expect(received.map(({ sequence }) => sequence)).toEqual(
            [...new Set(received.map(({ sequence }) => sequence))].sort((a, b) => a - b),
          )
          if (opened.watcher.initial) {
            // What there was and the changes since come to what there is: no gap, and nothing twice.
            const live = followed(received.map(({ data }) => data))
            expect(world.liveDots(opened.watcher.prefix).filter((dot) => !live.has(dot))).toEqual([])
            const puts = received.filter(({ data }) => data.op === 'put').map(({ data }) => data.dot)
            expect(new Set(puts).size).toBe(puts.length)
            expect(received.map(({ data }) => data.initial === true)).toEqual(
              received.map((_, at) => at < before.length),
            )
            expect(opened.watcher.initialEnds).toBeGreaterThan(0)
            states += before.length
          }
          seen += received.length
        }
        await settleTasks()
        await world.end()
      }),
      { numRuns: amount(60, 160) },
    )
    // About seven events a run; far fewer, and the histories drawn would prove little.
    expect(seen).toBeGreaterThan(amount(150, 500))
    expect(states).toBeGreaterThan(amount(30, 100))
  })
})
