/**
 * A node of one build, as another build can see it: through bytes, and in words of its own. Whoever imports this module
 * afresh, with another table of types, has another build.
 */
import { exportLines } from '../../daemon/http/transfer/exporter.js'
import { Importer } from '../../daemon/http/transfer/importer.js'
import { eventJson } from '../../daemon/watch/render.js'
import type { ImportSummary } from '../../protocols/api/transfer.js'
import { type SessionReport, SyncService } from '../../protocols/sync/service.js'
import { BackupDecoder } from '../../store/backup/decoder.js'
import { takeBackup } from '../../store/backup/reading.js'
import { StoreFiller } from '../../store/backup/writing.js'
import { Access } from '../../store/data/access.js'
import type { ListItem } from '../../store/data/types.js'
import { UserData } from '../../store/data/user-data.js'
import { rangeOf } from '../../store/keyspace.js'
import { MemoryStore } from '../../store/memory.js'
import { type Address, noField } from '../../store/model/address.js'
import { dotText } from '../../store/model/dot.js'
import { type Type, typeNumber } from '../../store/model/types.js'
import { decodeVersions, entryAddress } from '../../store/rows/entries.js'
import { FakeMeshView } from './fake-mesh-view.js'
import { type MemberNode, openMember } from './member-nodes.js'
import type { BareOptions } from './mesh-nodes.js'
import type { FakeMesh } from './network/mesh.js'

/** One node, with what an operator and a user do with it. */
export class BuildNode {
  readonly data: UserData
  readonly reports: SessionReport[] = []
  readonly #sync: SyncService

  constructor(readonly node: MemberNode) {
    const { network, replica, environment } = node
    this.data = new UserData(new Access(replica, () => Buffer.alloc(32, 1)))
    const listener = { ended: (report: SessionReport) => this.reports.push(report) }
    this.#sync = new SyncService({ network, replica: replica.sync, environment, listener })
    this.#sync.start()
  }

  /** Stores a version beside what is there, or over it. */
  put(type: string, key: string, value: string, over = false): Promise<unknown> {
    return this.node.replica.transact((transaction) => {
      const address = addressOf(type, key)
      const superseded = over ? transaction.versions(address).map(({ dot }) => dot) : []
      return transaction.put(address, Buffer.from(value), null, superseded)
    })
  }

  /** Deletes what is at an address. */
  remove(type: string, key: string): Promise<unknown> {
    return this.node.replica.transact((transaction) => {
      const address = addressOf(type, key)
      return transaction.remove(
        address,
        transaction.versions(address).map(({ dot }) => dot),
      )
    })
  }

  /** Every live version of the users: number of the type, key, value and dot. */
  async live(): Promise<string[]> {
    const live: string[] = []
    for await (const rows of this.node.store.scan(rangeOf('entry'))) {
      for (const row of rows) {
        const { type, key } = entryAddress(row.key)
        for (const { dot, value } of decodeVersions(row.key, row.value)) {
          live.push(`${typeNumber(type)} ${key} ${Buffer.from(value)} ${dotText(dot)}`)
        }
      }
    }
    return live.sort()
  }

  /** The same without dots: what stays when it is imported elsewhere. */
  async values(): Promise<string[]> {
    return (await this.live()).map((line) => line.slice(0, line.lastIndexOf(' '))).sort()
  }

  /** The types of a key, as a listing tells them. */
  async typesAt(key: string): Promise<ListItem['types']> {
    const { items } = await this.data.registers.list({ prefix: key, limit: 1, values: false })
    return items.find((item) => item.key === key)?.types ?? []
  }

  /** Root and contexts, in hexadecimal digits. */
  state(): string {
    const { root, seen, applied } = this.node.replica.sync.capture()
    const ranges = [seen, applied].map((context) => context.actors().map((actor) => context.rangesOf(actor)))
    return `${Buffer.from(root).toString('hex')} ${JSON.stringify(ranges)}`
  }

  /** Events of the change feed from its beginning. */
  async changes(): Promise<string[]> {
    const { reader, bounds } = this.node.replica.feed
    const request = { from: { sequence: 0, base: bounds.floor }, until: bounds.sequence, prefix: '' }
    const { events } = await reader.read(request)
    const names = { memberOf: this.node.replica.memberOf, nameOf: () => 'node' }
    return events.map((event) => {
      const { key, type, op, value } = eventJson(event, names)
      return `${op} ${type} ${key} ${value}`
    })
  }

  /** Lines that `export` writes. */
  async exported(): Promise<string> {
    const chunks: Buffer[] = []
    for await (const chunk of exportLines(this.data.contents, new FakeMeshView(), '')) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }

  /** Imports what another node exported. */
  import(lines: string): Promise<ImportSummary> {
    const importer = new Importer(this.data.contents, 1 << 20, 0, () => undefined)
    return importer.run(
      (async function* () {
        yield lines.split('\n').map((line) => Buffer.from(line))
      })(),
    )
  }

  /** A backup. */
  async backup(): Promise<Buffer> {
    const keys = { seed: new Uint8Array(32), secret: new Uint8Array(32) }
    const origin = { takenAtMs: 1, software: '1', node: 'node', peer: 'peer', keys }
    const pieces: Buffer[] = []
    for await (const piece of takeBackup(this.node.replica, origin)) pieces.push(piece)
    return Buffer.concat(pieces)
  }

  /** One session with a peer. */
  sync(peer: string): Promise<SessionReport> {
    return this.#sync.run(peer, { youngOk: false })
  }

  /** Ends it; its store stays. */
  async stop(): Promise<void> {
    await this.#sync.stop()
    await this.node.stop()
  }
}

/** Opens and starts a node. */
export async function openBuildNode(mesh: FakeMesh, peer: string, options: BareOptions = {}): Promise<BuildNode> {
  return new BuildNode(await openMember(mesh, peer, options))
}

/** A store of this build with the rows of another one: the same directory after an upgrade, or on the way back. */
export async function takeOver(rows: MemoryStore): Promise<MemoryStore> {
  const store = new MemoryStore()
  for await (const chunk of rows.scan({})) {
    const copies = chunk.map(({ key, value }) => ({ key: Uint8Array.from(key), value: Uint8Array.from(value) }))
    await store.write(copies, { sync: true })
  }
  return store
}

/** A store made of a backup. */
export async function restored(backup: Buffer): Promise<MemoryStore> {
  const store = new MemoryStore()
  const filler = new StoreFiller(store, 'feedfeedfeedfeed')
  const decoder = new BackupDecoder()
  for (const part of decoder.push(backup)) if (part.kind === 'rows') await filler.take(part.rows)
  decoder.end()
  await filler.verify(async () => undefined)
  return store
}

function addressOf(type: string, key: string): Address {
  return { key, type: type as Type, field: noField }
}
