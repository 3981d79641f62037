/** The version of hearsay, from its package.json. */
import { readFileSync } from 'node:fs'

/** The version in the package.json above this file, in the sources and when built. */
export function packageVersion(): string {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as Record<string, string>
      if (name === 'hearsay' && version !== undefined) return version
    } catch {
      // One folder further up.
    }
  }
  return 'unknown'
}
