/** The records in the store: reads all of them into the directory, keeps the own one true, retires members. */
import { HearsayError } from '../../store/errors.js'
import type { Actor } from '../../store/model/dot.js'
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
import { hasForeign, type Rival, rivalOf } from './core/rival.js'
import { recordRewritesMax, rivalShownMs } from './limits.js'
import type { MembershipOptions } from './types.js'

/** The mesh's own records, as far as they concern members. */
export class Records {
  readonly #options: MembershipOptions
  readonly #directory: Directory
  #isPublished = false
  /** The run under which the own record was last written by this process. */
  #writtenUnder: Actor | undefined
  #fights = 0
  #rival: { readonly rival: Rival; readonly atMs: number } | undefined
  #publishing: Promise<void> | undefined
  #again = false
  #isClaiming = false

  constructor(options: MembershipOptions, directory: Directory) {
    this.#options = options
    this.#directory = directory
  }

  /**
   * State of another node that uses this node's peer id: it gives way, or this node does, or (an older version,
   * perhaps) it goes on changing this node's record, which is then left alone. Undefined when no other is known.
   */
  get rivalry(): 'theyGiveWay' | 'weGiveWay' | 'contested' | undefined {
    if (this.#fights >= recordRewritesMax) return 'contested'
    if (this.#rival === undefined) return undefined
    const { rival, atMs } = this.#rival
    if (rival.weGiveWay) return 'weGiveWay'
    return this.#options.environment.monotonicMs() - atMs < rivalShownMs ? 'theyGiveWay' : undefined
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
    try {
      if (changed.has(this.#options.network.self)) this.#ownRecordChanged()
      else if (this.#hasNewRun) this.claim()
    } catch (error) {
      this.#options.onError?.('own record', error)
    }
    return changed
  }

  /**
   * Writes the own record again where another run wrote it: there are signs of another node with this peer id, and what
   * it answers will prove it.
   */
  claim(): void {
    if (!this.#isPublished || this.rivalry === 'weGiveWay') return
    this.#isClaiming = true
    this.publish().catch((error: unknown) => this.#options.onError?.('own record', error))
  }

  /**
   * Writes the own record when it is not there as it should be, so that a start that changes nothing writes nothing.
   */
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
      throw new HearsayError('BAD_REQUEST', 'a node cannot forget itself; let another member do that')
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
    const { network, replica } = this.#options
    do {
      this.#again = false
      const isClaim = this.#isClaiming
      this.#isClaiming = false
      const isLeftAlone = this.rivalry === 'contested' || this.rivalry === 'weGiveWay'
      if (isLeftAlone || this.#directory.isForgotten(network.self)) return
      const address = memberAddress(network.self)
      const wanted = this.#wanted()
      const isDue = (versions: readonly Version[]) =>
        !isOnly(versions, wanted) || (isClaim && hasForeign(versions, replica.runs.actor))
      if (isDue(replica.versions(address))) {
        await replica.transact((transaction) => {
          const versions = transaction.versions(address)
          if (!isDue(versions)) return
          this.#writtenUnder = transaction.put(address, wanted, null, dotsOf(versions)).actor
        })
      }
      this.#isPublished = true
    } while (this.#again)
  }

  /** Handles a change of the own record. One made elsewhere is corrected, but not for ever. */
  #ownRecordChanged(): void {
    const { environment, network, onRival, replica } = this.#options
    const { updates } = replica.sync.peerEntryAt(memberAddress(network.self))
    if (!hasForeign(updates, replica.runs.actor)) return
    const rival = rivalOf(updates, replica.runs.actor)
    if (rival !== undefined && this.rivalry !== 'weGiveWay') {
      this.#rival = { rival, atMs: environment.monotonicMs() }
      onRival?.(rival)
    }
    if (!this.#isPublished || rival?.weGiveWay === true) return
    this.#fights++
    this.claim()
  }

  /**
   * True if the own record was written under a run of this process that has ended since: perhaps by a clone of the
   * running machine, which must see the new one.
   */
  get #hasNewRun(): boolean {
    const { actor } = this.#options.replica.runs
    return this.#writtenUnder !== undefined && actor !== undefined && actor !== this.#writtenUnder
  }

  #wanted(): Buffer {
    const { network, name, version, rules, addresses } = this.#options
    const record = { name, peer: network.self, version, addresses: addresses(), readsFolds: true }
    return encodeRecord(rules === undefined ? record : { ...record, rules })
  }
}

function isOnly(versions: readonly Version[], bytes: Uint8Array): boolean {
  return versions.length === 1 && Buffer.compare(versions[0]!.value, bytes) === 0
}

function dotsOf(versions: readonly Version[]) {
  return versions.map((version) => version.dot)
}
