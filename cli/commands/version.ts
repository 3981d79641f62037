/** `hearsay version`, and where the version stands. */
import { readFileSync } from 'node:fs'
import type { Action } from '../command.js'

/** Prints the version. */
export const version: Action = async (invocation) => {
  if (invocation.json) return invocation.output.json({ version: packageVersion(), node: process.versions.node })
  await invocation.output.line(packageVersion())
}

/** The version in the package.json above this file: one to three folders up, in the sources and when bundled. */
export function packageVersion(): string {
  for (const up of ['../package.json', '../../package.json', '../../../package.json']) {
    const found = versionIn(new URL(up, import.meta.url))
    if (found !== undefined) return found
  }
  return 'unknown'
}

function versionIn(file: URL): string | undefined {
  try {
    const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string }
    return name === 'hearsay' ? version : undefined
  } catch {
    return undefined
  }
}
