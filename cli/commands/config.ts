/** `hearsay config`: the daemon's settings in effect, and where each comes from. */
import type { Action, Invocation } from '../command.js'
import { printable } from '../output.js'

interface Setting {
  readonly name: string
  readonly value: unknown
  readonly origin: string
}

/** Prints the settings. */
export const config: Action = async (invocation) => {
  const found = await invocation.client().config()
  if (invocation.json) return invocation.output.json(found)
  await printSettings(invocation, settingsOf(found))
}

async function printSettings({ output }: Invocation, settings: readonly Setting[]): Promise<void> {
  const { gray, bold } = output.colors
  const nameWidth = Math.max(0, ...settings.map(({ name }) => name.length))
  for (const { name, value, origin } of settings) {
    const shown = printable(JSON.stringify(value ?? null))
    await output.line(`${bold(name.padEnd(nameWidth))} = ${shown}  ${gray(`# ${origin}`)}`)
  }
}

function settingsOf(found: unknown): readonly Setting[] {
  const { settings } = found as { settings?: readonly Setting[] }
  return settings ?? (Array.isArray(found) ? (found as Setting[]) : [])
}
