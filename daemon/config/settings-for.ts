/** The settings that a daemon would start with in this process's surroundings; for `hearsay config`. */
import { homedir, hostname } from 'node:os'
import type { ConfigShown } from '../../protocols/api/system.js'
import { effectiveSettings, loadConfig } from './load.js'

/** Reads file, environment and flags as a start would. Throws BAD_CONFIG. */
export async function settingsFor(
  flags: Record<string, unknown>,
): Promise<ConfigShown & { readonly warnings: readonly string[] }> {
  const environment = process.env
  const config = await loadConfig({ flags, environment, home: environment.HOME ?? homedir(), hostname: hostname() })
  return { file: config.file, settings: effectiveSettings(config), warnings: config.warnings }
}
