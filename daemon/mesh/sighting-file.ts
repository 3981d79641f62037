/**
 * Times when members were last seen and last equal: a small file in the data directory, so that `status` shows them
 * after a restart.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sighting, SightingStore } from '../../protocols/membership/types.js'
import type { PeerId } from '../../protocols/network.js'
import { writePrivateFile } from '../private-files.js'

const fileName = 'last-seen.json'

/** The file of a data directory. One that is absent or cannot be read counts as empty: nothing depends on it. */
export function sightingFile(dataDirectory: string): SightingStore {
  const path = join(dataDirectory, fileName)
  return {
    async load() {
      try {
        return parse(JSON.parse(await readFile(path, 'utf8')))
      } catch {
        return new Map()
      }
    },
    save: (sightings) =>
      writePrivateFile(path, `${JSON.stringify(Object.fromEntries(sightings), null, 2)}\n`, 'replace'),
  }
}

function parse(raw: unknown): Map<PeerId, Sighting> {
  const entries = Object.entries((raw ?? {}) as Record<string, Partial<Sighting> | null>)
  return new Map(entries.map(([peer, one]) => [peer, { seenMs: timeOf(one?.seenMs), equalMs: timeOf(one?.equalMs) }]))
}

function timeOf(ms: unknown): number | null {
  return typeof ms === 'number' && Number.isSafeInteger(ms) && Math.abs(ms) <= 8.64e15 ? ms : null
}
