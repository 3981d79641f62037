/**
 * Damage to LevelDB's own files: a deleted table, flipped bits, a truncated log. Nothing is lost anywhere, neither here
 * nor at a healthy peer.
 */
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LevelStore } from '../../store/level.js'
import { type Address, register } from '../../store/model/address.js'
import { openStore } from '../../store/open.js'
import type { Replica } from '../../store/replica/replica.js'
import { liveVersions, type OpenReplica, openNode } from '../support/replicas.js'

const entries = 6000
const value = (at: number) => Buffer.from(`value ${at} `.repeat(12))
const addresses: Address[] = Array.from({ length: entries }, (_, at) => register(`key/${at}`))

describe('damage to the files of the store', () => {
  let folder: string
  let sound: string
  let healthy: OpenReplica
  let expected: string[]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hearsay-damage-'))
    sound = join(folder, 'sound')
    const store = await LevelStore.open(join(sound, 'store'), { writeBufferBytes: 128 * 1024 })
    const node = await openNode('sound', { store, sync: false })
    node.replica.log.setObligations([{ member: '2222222222222222', acknowledged: node.replica.sync.capture().applied }])
    const write = (from: number, to: number, act: (at: number) => 'put' | 'delete') =>
      node.replica.transact((transaction) => {
        for (let at = from; at < to; at++) {
          const superseded = transaction.versions(addresses[at]!).map((version) => version.dot)
          if (act(at) === 'put') transaction.put(addresses[at]!, value(at), null, superseded)
          else transaction.remove(addresses[at]!, superseded)
        }
      })
    for (let from = 0; from < entries; from += 200) await write(from, from + 200, () => 'put')
    await write(0, 1500, (at) => (at % 3 === 0 ? 'delete' : 'put'))
    healthy = await openNode('healthy')
    const all = node.replica.sync.capture()
    for (let missing = all.applied; !missing.isEmpty; ) {
      const found = await node.replica.sync.readMissing(missing, 1 << 20)
      await healthy.replica.sync.applyUpdates({ updates: [...found.updates], members: all.members })
      missing = missing.minus(found.listed).minus(found.unlisted)
    }
    expected = await liveVersions(healthy.store)
    expect(expected).toHaveLength(entries - 500)
    expect([...node.replica.sync.capture().root]).toEqual([...healthy.replica.sync.capture().root])
    await node.replica.close()
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** Everything that `from` has, joined into `to` as a complete pass of the tree would. */
  async function pass(from: Replica, to: Replica): Promise<void> {
    const peer = from.sync.capture()
    for (let at = 0; at < entries; at += 500) {
      await to.sync.joinEntries(
        addresses.slice(at, at + 500).map((address) => from.sync.peerEntryAt(address)),
        peer,
      )
    }
    await to.sync.unite(peer)
  }

  /**
   * Opens a store as the daemon does: where LevelDB meets unreadable tables only later, the next start saves what is
   * readable.
   */
  async function openRepaired(path: string, attempts = 3): Promise<OpenReplica> {
    expect(attempts).toBeGreaterThan(0)
    const opened = await openStore(path)
    const repairs: Promise<void>[] = []
    const node = await openNode('damaged', {
      store: opened.store,
      isSuspect: opened.isSuspect,
      onUnreadableTables: () => repairs.push(opened.salvageAtNextStart()),
    }).catch((error: unknown) => {
      if (repairs.length === 0) throw error
      return undefined
    })
    await Promise.all(repairs)
    if (node !== undefined && repairs.length === 0) {
      await opened.verified()
      return node
    }
    await (node?.replica.close() ?? opened.store.close())
    return openRepaired(path, attempts - 1)
  }

  const filesOf = (directory: string, ending: RegExp) =>
    readdirSync(directory)
      .filter((name) => ending.test(name))
      .sort()

  const tables = (directory: string) => filesOf(directory, /\.ldb$/).map((name) => join(directory, name))

  it.each<[string, (directory: string) => void]>([
    ['a deleted table file', (directory) => rmSync(tables(directory)[0]!)],
    [
      'half of the table files deleted',
      (directory) => tables(directory).forEach((path, at) => void (at % 2 === 0 && rmSync(path))),
    ],
    ['every table file deleted', (directory) => tables(directory).forEach((path) => void rmSync(path))],
    ['flipped bits in a table file', (directory) => flip(tables(directory)[0]!, 12)],
    ['flipped bits in every table file', (directory) => tables(directory).forEach((path) => void flip(path, 5))],
    ['a truncated log', (directory) => halve(join(directory, filesOf(directory, /\.log$/).at(-1)!))],
    ['a lost manifest', (directory) => rmSync(join(directory, filesOf(directory, /^MANIFEST/)[0]!))],
    ['a lost CURRENT', (directory) => rmSync(join(directory, 'CURRENT'))],
  ])('%s', async (name, spoil) => {
    const directory = join(folder, name.replaceAll(' ', '-'))
    cpSync(sound, directory, { recursive: true })
    spoil(join(directory, 'store'))
    const node = await openRepaired(directory)
    // The damaged one never tells a healthy peer that something is deleted which is not.
    await pass(node.replica, healthy.replica)
    expect(await liveVersions(healthy.store)).toEqual(expected)
    await pass(healthy.replica, node.replica)
    expect([...node.replica.sync.capture().root]).toEqual([...healthy.replica.sync.capture().root])
    for (const [at, address] of addresses.entries()) {
      const versions = node.replica.versions(address)
      if (at < 1500 && at % 3 === 0) expect(versions).toEqual([])
      else expect(Buffer.from(versions[0]!.value).equals(value(at))).toBe(true)
    }
    await node.replica.close()
  })
})

/** Flips bits at places spread over a file. */
function flip(path: string, count: number): void {
  const bytes = readFileSync(path)
  for (let at = 0; at < count; at++) bytes[Math.floor(((at + 0.5) / count) * bytes.length)]! ^= 0x20
  writeFileSync(path, bytes)
}

function halve(path: string): void {
  truncateSync(path, Math.floor(readFileSync(path).length / 2))
}
