/** The records in the store: reads all of them into the directory, keeps the own one true, retires members. */
import { HearsayError } from '../../store/errors.js'
import type { Version } from '../../store/model/update.js'
import type { Commit } from '../../store/replica/types.js'
import type { PeerId } from '../network.js'
import type { Directory } from './core/directory.js'
import {
  encodeForgotten,
  encodeRecord,
  forgottenAddress,
  forgottenPrefix,
  memberAddress,
  memberPrefix,
} from './core/record.js'
import { recordFightsMax } from './limits.js'
import type { MembershipOptions } from './types.js'

/** The mesh's own records, as far as they concern members. */
export class Records {
  readonly #options: MembershipOptions
  readonly #directory: Directory
  #isPublished = false
  #fights = 0
  #publishing: Promise<void> | undefined
  #again = false

  constructor(options: MembershipOptions, directory: Directory) {
    this.#options = options
    this.#directory = directory
  }

  /** Whether another node keeps changing this node's record: two nodes share the peer id. */
  get isContested(): boolean {
    return this.#fights >= recordFightsMax
  }

  /** Reads what is stored. */
  async load(): Promise<void> {
    for (const prefix of [memberPrefix, forgottenPrefix]) {
      for (const { address, versions } of await this.#options.replica.scanSystem(prefix)) {
        this.#directory.set(address.key, versions)
      }
    }
  }

  /** Takes what a commit changed. Returns the peers whose records changed. */
  committed(commit: Commit): Set<PeerId> {
    const changed = new Set<PeerId>()
    for (const { address } of commit.events) {
      const { key } = address
      if (address.type !== 'sys') continue
      const prefix = [memberPrefix, forgottenPrefix].find((one) => key.startsWith(one))
      if (prefix === undefined) continue
      try {
        if (this.#directory.set(key, this.#options.replica.versions(address))) changed.add(key.slice(prefix.length))
      } catch (error) {
        this.#options.onError?.(`record ${key}`, error)
      }
    }
    if (changed.has(this.#options.network.self)) this.#ownRecordChanged()
    return changed
  }

  /** Writes the own record when it is not there as it should be, so that a start that changes nothing writes nothing. */
  publish(): Promise<void> {
    if (this.#publishing !== undefined) {
      this.#again = true
      return this.#publishing
    }
    this.#publishing = this.#publish().finally(() => {
      this.#publishing = undefined
    })
    return this.#publishing
  }

  /** Retires a member for good: adds the record that always wins, and takes its member record away. */
  async forget(peer: PeerId): Promise<void> {
    if (peer === this.#options.network.self) {
      throw new HearsayError('BAD_REQUEST', 'a node cannot forget itself; run `hearsay forget` on another member')
    }
    const name = this.#directory.name(peer)
    await this.#options.replica.transact((transaction) => {
      if (transaction.versions(forgottenAddress(peer)).length === 0) {
        transaction.put(forgottenAddress(peer), encodeForgotten({ peer, name }), null, [])
      }
      const versions = transaction.versions(memberAddress(peer))
      if (versions.length > 0) transaction.remove(memberAddress(peer), dotsOf(versions))
    })
  }

  async #publish(): Promise<void> {
    do {
      this.#again = false
      const { self } = this.#options.network
      if (this.isContested || this.#directory.isForgotten(self)) return
      const address = memberAddress(self)
      const wanted = this.#wanted()
      if (!isOnly(this.#options.replica.versions(address), wanted)) {
        await this.#options.replica.transact((transaction) => {
          const versions = transaction.versions(address)
          if (!isOnly(versions, wanted)) transaction.put(address, wanted, null, dotsOf(versions))
        })
      }
      this.#isPublished = true
    } while (this.#again)
  }

  /** The own record was changed, here or elsewhere. Elsewhere that should not happen: it is put right, but not for ever. */
  #ownRecordChanged(): void {
    const { network, onError, replica } = this.#options
    if (!this.#isPublished || this.#publishing !== undefined) return
    if (isOnly(replica.versions(memberAddress(network.self)), this.#wanted())) return
    this.#fights++
    this.publish().catch((error: unknown) => onError?.('own record', error))
  }

  #wanted(): Buffer {
    const { network, name, version, rules, addresses } = this.#options
    const record = { name, peer: network.self, version, addresses: addresses() }
    return encodeRecord(rules === undefined ? record : { ...record, rules })
  }
}

function isOnly(versions: readonly Version[], bytes: Uint8Array): boolean {
  return versions.length === 1 && Buffer.compare(versions[0]!.value, bytes) === 0
}

function dotsOf(versions: readonly Version[]) {
  return versions.map((version) => version.dot)
}
