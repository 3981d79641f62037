/** Restores into data directories: whole or not at all, wherever they are stopped. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createIdentity,
  loadIdentity,
  loadMeshSecret,
  replaceIdentity,
  replaceMeshSecret,
} from '../../daemon/net/identity.js'
import { lockStore } from '../../daemon/node/stored-node.js'
import { finishRestore, isRestorePending } from '../../daemon/restore/place.js'
import { type RestoreOptions, restoreBackup } from '../../daemon/restore/restore.js'
import { encodeRecord, memberAddress } from '../../protocols/membership/core/record.js'
import { takeBackup } from '../../store/backup/reading.js'
import { LevelStore } from '../../store/level.js'
import { register } from '../../store/model/address.js'
import { liveVersions, openNode } from '../support/replicas.js'

const saved = createIdentity(new Uint8Array(32).fill(1))
const savedSecret = new Uint8Array(32).fill(2)
const former = createIdentity(new Uint8Array(32).fill(3))
const formerSecret = new Uint8Array(32).fill(4)
const bob = createIdentity(new Uint8Array(32).fill(5)).peer

describe('a restore', () => {
  let folder: string
  let file: string
  let data: string
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hearsay-restore-'))
    file = join(folder, 'ann.backup')
    data = join(folder, 'data')
    writeFileSync(file, await backupOf('saved'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  /** A backup of a node with some entries, which is a member with bob. */
  async function backupOf(value: string): Promise<Buffer> {
    const { replica } = await openNode('ann')
    await replica.transact((transaction) => {
      for (let at = 0; at < 20; at++) transaction.put(register(`key ${at}`), Buffer.from(value), null, [])
      for (const [name, peer] of [
        ['ann', saved.peer],
        ['bob', bob],
      ] as const) {
        const record = encodeRecord({ name, peer, version: '1', addresses: [] })
        transaction.put(memberAddress(peer), record, null, [])
      }
    })
    const keys = { seed: saved.seed, secret: savedSecret }
    const origin = { takenAtMs: 5, software: '1', node: 'ann', peer: saved.peer, keys }
    const pieces: Buffer[] = []
    for await (const piece of takeBackup(replica, origin)) pieces.push(piece)
    await replica.close()
    return Buffer.concat(pieces)
  }

  /** A stopped node with another identity, mesh and value; with what a damaged store leaves beside itself. */
  async function formerNode(): Promise<void> {
    mkdirSync(data, { mode: 0o700 })
    const { replica } = await openNode('old', { store: await LevelStore.open(join(data, 'store')) })
    await replica.transact((transaction) => transaction.put(register('key'), Buffer.from('former'), null, []))
    await replica.close()
    await replaceIdentity(data, former)
    await replaceMeshSecret(data, formerSecret)
    writeFileSync(join(data, 'store.suspect'), '')
    writeFileSync(join(data, 'config.toml'), 'name = "attic"\n')
  }

  /** What a daemon finds that starts here, and whether it finds a damaged store. */
  async function found(directory: string) {
    const opened = await lockStore(directory)
    const { replica, warnings } = await openNode('x', { store: opened.store, isSuspect: opened.isSuspect })
    const values = new Set((await liveVersions(opened.store)).filter((one) => one.includes('key')).map(lastWord))
    const { peer } = await loadIdentity(directory)
    const secret = (await loadMeshSecret(directory))[0]
    await replica.close()
    return { values: [...values], entries: replica.userEntries, peer, secret, isSuspect: opened.isSuspect, warnings }
  }

  const restore = (options: Partial<RestoreOptions> = {}) => restoreBackup({ file, data, ...options })

  it('into a new directory makes a new member that knows the others, and the one that it was', async () => {
    const report = await restore()
    expect(report).toEqual({
      data,
      origin: { takenAtMs: 5, software: '1', node: 'ann', peer: saved.peer },
      entries: 20,
      peer: expect.stringMatching(/^12D3KooW/),
      members: [expect.objectContaining({ name: 'bob', peer: bob })],
      former: expect.objectContaining({ name: 'ann', peer: saved.peer }),
    })
    expect(report.peer).not.toBe(saved.peer)
    expect(readdirSync(data).sort()).toEqual(['mesh.secret', 'peer.key', 'store'])
    const sound = { values: ['saved'], entries: 20, secret: 2, isSuspect: false, warnings: [] }
    expect(await found(data)).toEqual({ ...sound, peer: report.peer })
  })

  it('with the same identity makes the same member', async () => {
    const report = await restore({ sameIdentity: true })
    expect(report).toMatchObject({ peer: saved.peer, former: null, members: [{ name: 'bob' }] })
    expect((await found(data)).peer).toBe(saved.peer)
  })

  it('twice from one backup makes two members, each with a feed of its own', async () => {
    const other = join(folder, 'other')
    expect((await restore()).peer).not.toBe((await restore({ data: other })).peer)
    const feeds = []
    for (const directory of [data, other]) {
      const { replica } = await openNode('x', { store: await LevelStore.open(join(directory, 'store')) })
      feeds.push(replica.feed.bounds.id)
      await replica.close()
    }
    expect(new Set(feeds).size).toBe(2)
  })

  it('leaves a node that is there alone without force, and an unused directory is none', async () => {
    await formerNode()
    const before = picture(data)
    await expect(restore()).rejects.toMatchObject({ code: 'WOULD_OVERWRITE' })
    expect(picture(data)).toEqual(before)
    const unused = join(folder, 'unused')
    mkdirSync(unused)
    writeFileSync(join(unused, 'config.toml'), '')
    expect((await restore({ data: unused })).entries).toBe(20)
    const foreign = join(folder, 'foreign')
    mkdirSync(foreign)
    writeFileSync(join(foreign, 'letter.txt'), '')
    await expect(restore({ data: foreign })).rejects.toMatchObject({ code: 'WOULD_OVERWRITE' })
  })

  it('with force replaces store, identity and secret, and keeps the settings', async () => {
    await formerNode()
    expect(await found(data)).toMatchObject({ values: ['former'], peer: former.peer, isSuspect: true })
    const { peer } = await restore({ force: true })
    expect(readdirSync(data).sort()).toEqual(['config.toml', 'mesh.secret', 'peer.key', 'store'])
    expect(await found(data)).toMatchObject({ values: ['saved'], peer, secret: 2, isSuspect: false, warnings: [] })
  })

  it('with force replaces a store that is damaged beyond opening', async () => {
    await formerNode()
    for (const name of readdirSync(join(data, 'store'))) {
      if (name !== 'LOCK') writeFileSync(join(data, 'store', name), 'nothing that LevelDB could read')
    }
    expect(await restore({ force: true })).toMatchObject({ entries: 20 })
    expect(await found(data)).toMatchObject({ values: ['saved'], isSuspect: false })
  })

  it('of a bad backup touches nothing', async () => {
    const bytes = readFileSync(file)
    const bad = [bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.of(0)]), bytes.subarray(0, 0), flipped(bytes)]
    for (const one of bad) {
      writeFileSync(file, one)
      await expect(restore()).rejects.toMatchObject({ code: 'BAD_BACKUP' })
      expect(existsSync(data)).toBe(false)
    }
    await expect(restore({ file: join(folder, 'none') })).rejects.toMatchObject({ code: 'BAD_BACKUP' })
    await formerNode()
    const before = picture(data)
    await expect(restore({ force: true })).rejects.toMatchObject({ code: 'BAD_BACKUP' })
    expect(picture(data)).toEqual(before)
  })

  it('where nothing can be written says so', async () => {
    writeFileSync(join(folder, 'letter.txt'), '')
    await expect(restore({ data: join(folder, 'letter.txt', 'data') })).rejects.toMatchObject({ code: 'BAD_CONFIG' })
    mkdirSync(data)
    writeFileSync(join(data, 'store'), 'in the way')
    await expect(restore({ force: true })).rejects.toMatchObject({ code: 'BAD_CONFIG' })
    expect(readdirSync(data)).toEqual(['store'])
  })

  it('that is killed before any step is whole or not there, also when the end of it is killed again', async () => {
    await formerNode()
    const moments: string[] = []
    const { peer } = await restore({
      force: true,
      beforeStep: (step) => moments.push(copyAt(data, `${moments.length} ${step}`)),
    })
    expect(moments.length).toBeGreaterThan(8)
    let pending = 0
    for (const [at, moment] of moments.entries()) {
      const isOld = at === 0
      if (isRestorePending(moment) && ++pending === 1) {
        const again: string[] = []
        const copy = copyAt(moment, 'again')
        await finishRestore(copy, (step) => again.push(copyAt(copy, `${at}.${again.length} ${step}`)))
        for (const one of [copy, ...again]) expect(await found(one), one).toMatchObject(restored(peer))
      }
      const here = await found(moment)
      if (isOld) expect(here).toMatchObject({ values: ['former'], peer: former.peer, secret: 4, isSuspect: true })
      else expect(here, moment).toMatchObject(restored(peer))
      expect(readdirSync(moment).filter((name) => name.startsWith('restore.'))).toEqual([])
    }
    expect(pending).toBeGreaterThan(6)
  })

  function copyAt(directory: string, label: string): string {
    const copy = join(folder, `moment ${label}`.replaceAll(/\W/g, '-'))
    cpSync(directory, copy, { recursive: true })
    return copy
  }
})

const restored = (peer: string) => ({ values: ['saved'], entries: 20, peer, secret: 2, isSuspect: false, warnings: [] })
const lastWord = (line: string): string => line.slice(line.lastIndexOf(' ') + 1)

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy[copy.length >> 1]! ^= 4
  return copy
}

/** Every file below a folder with its bytes. */
function picture(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name)).toString('hex')]),
  )
}
