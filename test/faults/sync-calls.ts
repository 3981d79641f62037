/** Watches the calls by which a daemon makes its store durable: strace writes them down, this reads them. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Launch } from '../e2e/daemons.js'

/** Calls that put what was written on the disk. */
const syncCalls = ['fdatasync', 'fsync', 'sync_file_range', 'syncfs', 'sync', 'msync']

/** Why nothing can be watched here; undefined when it can. */
export function whyNotWatched(): string | undefined {
  const { error, status } = spawnSync('strace', ['-f', '-o', '/dev/null', 'true'])
  if (error !== undefined) return 'strace is not installed'
  return status === 0 ? undefined : 'strace may not trace here'
}

/** How far the calls have come. */
export interface SyncCalls {
  /** Calls that began. */
  readonly begun: number
  /** Those that ended without an error, by their place among those that began, from 0. */
  readonly done: ReadonlySet<number>
}

/** Watches one daemon. */
export class SyncWatch {
  /** How the daemon is to be started. */
  readonly launch: Launch
  readonly #file: string

  /** `file`: where strace writes. */
  constructor(file: string) {
    this.#file = file
    // With -D the daemon is the child itself, and strace stands beside it.
    const options = ['-D', '-f', '-qq', '-y', '-e', `trace=${syncCalls.join(',')}`, '-e', 'signal=none', '-o', file]
    this.launch = { prefix: ['strace', ...options] }
  }

  /**
   * The calls so far on files of LevelDB's log: what a write waits for. strace writes a line before it lets its call
   * return.
   */
  ofLog(): SyncCalls {
    return this.#calls(/\/\d+\.log>/)
  }

  /** All calls so far, in text. */
  text(): string {
    return readFileSync(this.#file, 'utf8')
  }

  #calls(wanted: RegExp): SyncCalls {
    const done = new Set<number>()
    /** The call that a thread is in, by its place; undefined: one that is not counted. */
    const inside = new Map<string, number | undefined>()
    let begun = 0
    for (const line of this.text().split('\n')) {
      const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
      if (!rest.startsWith('<...')) inside.set(thread, wanted.test(rest) ? begun++ : undefined)
      const place = inside.get(thread)
      if (place !== undefined && rest.endsWith('= 0')) done.add(place)
    }
    return { begun, done }
  }
}
