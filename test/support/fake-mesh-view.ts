/** A mesh as the API sees it, which answers as a test says. */
import type { Mesh } from '../../daemon/views/mesh-view.js'
import type { MemberStatus, Waited } from '../../protocols/membership/types.js'
import type { ComparedEntry } from '../../protocols/sync/core/conversation.js'
import { HearsayError } from '../../store/errors.js'
import { fakeMember } from './fake-registers.js'

/** A mesh of one other member, `b`; everything it was asked is kept in `calls`. */
export class FakeMeshView implements Mesh {
  readonly name: string = 'a'
  readonly peer: string = 'peer-a'
  readonly calls: [string, ...unknown[]][] = []
  readonly blockedPeers = new Set<string>()
  /** Entries that `b` holds otherwise. */
  differences: ComparedEntry[] = []
  quorum = true
  clockOff: number | null = null
  acks = 1
  waits = true

  addresses = () => ['/ip4/127.0.0.1/tcp/7400']
  nameOf = (tag: string) => (tag === fakeMember ? 'b' : tag)
  members = (): MemberStatus[] => [memberB]
  blocked = () => [...this.blockedPeers]
  warnings = () => ['mesh warning']
  notices = () => [{ about: 'names', text: 'mesh warning' }]
  syncCondition = () => ({ connectedForMs: 9_000, sinceGoodMs: 2_000, lastFailure: null })
  invite = async () => 'hearsay-token'
  proveQuorum = async () => this.quorum
  clockOffMs = () => this.clockOff
  where = async () => ({ nodes: ['a'], missing: ['c'], unknown: ['b'] })

  async join(given: string): Promise<void> {
    this.calls.push(['join', given])
    if (given === 'bad') throw new HearsayError('BAD_TOKEN', 'malformed')
    if (given === 'far') throw new HearsayError('UNREACHABLE', 'no answer')
  }
  async forget(name: string): Promise<void> {
    this.calls.push(['forget', name])
    if (name !== 'b') throw new HearsayError('NOT_FOUND', `there is no member ${name}`)
  }
  async block(peers: readonly string[]): Promise<void> {
    if (!peers.every((peer) => peer === 'b')) throw new HearsayError('NOT_FOUND', 'there is no such member')
    for (const peer of peers) this.blockedPeers.add(peer)
  }
  async unblock(peers?: readonly string[]): Promise<void> {
    for (const peer of peers ?? [...this.blockedPeers]) this.blockedPeers.delete(peer)
  }
  async sync(peer?: string) {
    this.calls.push(['sync', peer])
    if (peer !== undefined && peer !== 'b') throw new HearsayError('NOT_FOUND', 'there is no such peer')
    return [
      {
        peer: 'b',
        mode: 'delta' as const,
        roundTrips: 2,
        bytesSent: 1,
        bytesReceived: 2,
        entriesSent: 3,
        entriesReceived: 4,
        ended: 'complete',
      },
    ]
  }
  async diff(peer: string, entriesMax: number) {
    this.calls.push(['diff', peer, entriesMax])
    if (peer === 'far') throw new HearsayError('UNREACHABLE', 'far is not connected')
    if (peer !== 'b') throw new HearsayError('NOT_FOUND', 'there is no such peer')
    return { name: 'b', entries: this.differences.slice(0, entriesMax), more: this.differences.length > entriesMax }
  }
  async awaitAcks(dot: object, want: number | 'majority' | 'all', timeoutMs: number) {
    this.calls.push(['awaitAcks', dot, want, timeoutMs])
    return {
      have: this.acks,
      want: want === 'majority' || want === 'all' ? 2 : want,
      nodes: ['a', 'b'].slice(0, this.acks),
    }
  }
  async wait(condition: object): Promise<Waited> {
    this.calls.push(['wait', condition])
    const away = { name: 'b', peer: 'b', reason: 'away' as const, awayMs: 59_200, behind: 3 }
    return { isTrue: this.waits, missing: this.waits ? [] : [away], isUnverified: false }
  }
  async readRepair(address: { key: string }, consistency: string, timeoutMs: number): Promise<void> {
    this.calls.push(['readRepair', address.key, consistency, timeoutMs])
    if (!this.quorum) throw new HearsayError('NO_QUORUM', 'too few members answered')
  }
}

const memberB: MemberStatus = {
  name: 'b',
  peer: 'peer-b',
  connected: true,
  blocked: false,
  converged: false,
  behind: 3,
  ahead: 1,
  lastSeenMs: 1_700_000_000_123,
  lastEqualMs: null,
  hints: { updates: 3, bytes: 99, sinceMs: 1_700_000_000_000 },
  addresses: ['/ip4/127.0.0.1/tcp/7401'],
  version: '0.1.0',
  clockOffsetMs: -2,
  root: '0badcafe',
  hears: [],
}
