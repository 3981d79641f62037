/**
 * `hearsay config`: the daemon's settings in effect, and where each comes from; of one that is not running, those it
 * would start with.
 */
import type { ConfigShown } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { loadDaemonPart } from '../daemon-part.js'
import { HearsayApiError } from '../failure.js'
import { printable } from '../output.js'

interface ConfigModule {
  /** The settings that a daemon with these flags would start with. Rejects with BAD_CONFIG. */
  settingsFor(options: Record<string, unknown>): Promise<ConfigShown & { readonly warnings: readonly string[] }>
}

/** Flags that say which daemon is asked; any other asks what a daemon would start with. */
const whereabouts: ReadonlySet<string> = new Set(['data', 'api', 'token', 'json'])

/** Prints the settings. */
export const config: Action = async (invocation) => {
  const found = (await runningConfig(invocation)) ?? (await startingConfig(invocation))
  if (invocation.json) return invocation.output.json(found)
  await printSettings(invocation, found)
}

/** Settings of the running daemon; undefined when none runs, or when the flags are those of a start. */
async function runningConfig(invocation: Invocation): Promise<ConfigShown | undefined> {
  if (Object.keys(invocation.options).some((name) => !whereabouts.has(name))) return undefined
  const isNamed = invocation.text('api') !== undefined || (invocation.io.environment.HEARSAY_API ?? '') !== ''
  try {
    return await invocation.client().config()
  } catch (error) {
    const isAbsent = error instanceof HearsayApiError && error.code === 'UNREACHABLE_DAEMON'
    if (isAbsent && !isNamed) return undefined
    throw error
  }
}

async function startingConfig(invocation: Invocation): Promise<ConfigShown> {
  const { settingsFor } = await loadDaemonPart<ConfigModule>('config/settings-for.js')
  const { api: _api, token: _token, json: _json, ...flags } = invocation.options
  const { warnings, ...found } = await settingsFor(flags)
  for (const warning of warnings) await invocation.output.warn(printable(warning))
  return found
}

async function printSettings({ output }: Invocation, { settings }: ConfigShown): Promise<void> {
  const { gray, bold } = output.colors
  const nameWidth = Math.max(0, ...settings.map(({ name }) => name.length))
  for (const { name, value, origin } of settings) {
    const shown = printable(JSON.stringify(value ?? null))
    await output.line(`${bold(name.padEnd(nameWidth))} = ${shown}  ${gray(`# ${origin}`)}`)
  }
}
