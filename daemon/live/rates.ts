/** Rates of the last second: requests and their times, bytes by protocol. */
import type { LiveData } from '../../protocols/api/live.js'
import { timedRequestsMax } from './limits.js'

/** Bytes since the start, by protocol. */
export type ProtocolBytes = Readonly<
  Record<'gossip' | 'sync' | 'heartbeat', { readonly in: number; readonly out: number }>
>

/** Bytes of gossip and heartbeats, of the counters of a node by their names in the metrics. */
export function protocolBytes(counters: Readonly<Record<string, number>>): Pick<ProtocolBytes, 'gossip' | 'heartbeat'> {
  const count = (name: string) => counters[name] ?? 0
  return {
    gossip: { in: count('gossip_bytes_received'), out: count('gossip_bytes_published') },
    heartbeat: { in: count('heartbeats_bytes_received'), out: count('heartbeats_bytes_sent') },
  }
}

/** Counts requests from one look to the next. */
export class RateMeter {
  readonly #bytesNow: () => ProtocolBytes
  #bytes: ProtocolBytes
  #sinceMs: number
  #writes = 0
  #reads = 0
  #times: number[] = []

  constructor(bytesNow: () => ProtocolBytes, nowMs: number) {
    this.#bytesNow = bytesNow
    this.#bytes = bytesNow()
    this.#sinceMs = nowMs
  }

  /** Counts a request of a user, and the time that it took. */
  count(isWrite: boolean, tookMs: number): void {
    if (isWrite) this.#writes++
    else this.#reads++
    if (this.#times.length < timedRequestsMax) this.#times.push(tookMs)
  }

  /** Rates since the look before; `nowMs` is on the monotonic clock. */
  read(nowMs: number): Pick<LiveData<'rates'>, 'writes' | 'reads' | 'p50Ms' | 'p99Ms' | 'bytes'> {
    const seconds = Math.max(1, nowMs - this.#sinceMs) / 1000
    const bytes = this.#bytesNow()
    const times = this.#times.sort((a, b) => a - b)
    const rates = {
      writes: round(this.#writes / seconds),
      reads: round(this.#reads / seconds),
      p50Ms: percentile(times, 0.5),
      p99Ms: percentile(times, 0.99),
      bytes: flows(bytes, this.#bytes, seconds),
    }
    this.#bytes = bytes
    this.#sinceMs = nowMs
    this.#writes = 0
    this.#reads = 0
    this.#times = []
    return rates
  }
}

function flows(now: ProtocolBytes, before: ProtocolBytes, seconds: number): LiveData<'rates'>['bytes'] {
  const flow = (name: keyof ProtocolBytes) => ({
    in: Math.round((now[name].in - before[name].in) / seconds),
    out: Math.round((now[name].out - before[name].out) / seconds),
  })
  return { gossip: flow('gossip'), sync: flow('sync'), heartbeat: flow('heartbeat') }
}

/** The value below which this share of the sorted values lies, by nearest rank; null without values. */
function percentile(sorted: readonly number[], share: number): number | null {
  if (sorted.length === 0) return null
  return round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!)
}

const round = (value: number) => Math.round(value * 100) / 100
