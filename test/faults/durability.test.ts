/**
 * What `durability` promises, by the system calls of a real daemon: each acknowledged write waited for an fdatasync
 * that began after it, or none did.
 */
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Daemon, Fleet } from '../e2e/daemons.js'
import { limitMs } from './faults.js'
import { SyncWatch, whyNotWatched } from './sync-calls.js'

const obstacle = whyNotWatched()
const skipped = obstacle === undefined ? '' : ` (skipped: ${obstacle})`

/** Puts that follow one another, and rounds of puts at once. */
const puts = 60
const rounds = 6
const atOnce = 32

let fleet: Fleet
beforeEach(async () => {
  fleet = await Fleet.create()
})
afterEach(() => fleet.end())

describe.skipIf(obstacle !== undefined)(`the calls that make writes durable${skipped}`, () => {
  it('fsync: every acknowledged write waited for an fdatasync that began after it was sent', {
    timeout: limitMs(120_000),
  }, async () => {
    const { daemon, watch } = await watched('fsync')
    const before = watch.ofLog().begun
    for (let at = 0; at < puts; at++) await synced(watch, () => daemon.client.put(`one-${at}`, `value ${at}`))
    expect(watch.ofLog().begun - before).toBeGreaterThanOrEqual(puts)
    for (let round = 0; round < rounds; round++) {
      await Promise.all(
        Array.from({ length: atOnce }, (_, at) => synced(watch, () => daemon.client.put(`many-${at}`, `${round}`))),
      )
    }
    const all = watch.ofLog().begun - before
    await synced(watch, () => daemon.client.counters.increment('c', 2))
    await synced(watch, () => daemon.client.sets.add('s', 'member'))
    await synced(watch, () => daemon.client.maps.put('m', 'field', 'value'))
    await synced(watch, () => daemon.client.delete('one-0'))
    process.stdout.write(`fdatasync ${JSON.stringify({ acknowledged: puts + rounds * atOnce, calls: all })}\n`)
  })

  it('os: no write waits for the disk', { timeout: limitMs(120_000) }, async () => {
    const { daemon, watch } = await watched('os')
    expect(watch.text(), 'the calls of the start').toContain('sync(')
    const before = watch.ofLog().begun
    for (let at = 0; at < puts; at++) await daemon.client.put(`one-${at}`, `value ${at}`)
    await Promise.all(Array.from({ length: atOnce }, (_, at) => daemon.client.put(`many-${at}`, `${at}`)))
    expect(watch.ofLog().begun - before).toBe(0)
  })
})

/** A daemon whose store has been written to once: from then on nothing but writes syncs its log. */
async function watched(durability: 'fsync' | 'os'): Promise<{ daemon: Daemon; watch: SyncWatch }> {
  const watch = new SyncWatch(join(fleet.folder, `${durability}.strace`))
  const daemon = await fleet.add('watched', ['--durability', durability], watch.launch)
  await daemon.client.put('first', 'value')
  return { daemon, watch }
}

/** Runs a write; by its acknowledgement a sync that began after it was sent must have ended. */
async function synced(watch: SyncWatch, write: () => Promise<unknown>): Promise<void> {
  const { begun } = watch.ofLog()
  await write()
  const after = [...watch.ofLog().done].filter((place) => place >= begun)
  expect(after.length, 'syncs of the log since the write was sent').toBeGreaterThan(0)
}
