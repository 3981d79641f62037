/** The settings of simulated nodes: the daemon's own, with the figures that a simulation chooses. */
import type { Settings } from '../../daemon/config/knobs.js'

/** Settings of one node. Times in milliseconds. */
export function settingsDefaults(
  name: string,
  chosen: { readonly syncIntervalMs: number; readonly heartbeatMs: number },
): Settings {
  return {
    name,
    'sync.interval': chosen.syncIntervalMs,
    'heartbeat.interval': chosen.heartbeatMs,
    'clock.bound': 60_000,
  } as Settings
}
