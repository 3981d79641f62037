/** The settings of simulated nodes: the daemon's own, with the figures that a simulation chooses. */
import type { ProtocolOptions } from '../../daemon/mesh/protocols.js'

/** Settings of one node. Times in milliseconds. */
export function settingsDefaults(
  name: string,
  chosen: { readonly syncIntervalMs: number; readonly heartbeatMs: number },
): ProtocolOptions['settings'] {
  return {
    name,
    'sync.interval': chosen.syncIntervalMs,
    'heartbeat.interval': chosen.heartbeatMs,
    'clock.bound': 60_000,
  }
}
