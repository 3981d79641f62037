/**
 * How much is sent and how much is accepted are two numbers, the first the smaller: so either can move in a later
 * version, and nodes of both understand each other.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as gossip from '../../protocols/gossip/limits.js'
import * as shared from '../../protocols/limits.js'
import * as membership from '../../protocols/membership/limits.js'
import * as sync from '../../protocols/sync/limits.js'
import * as model from '../../store/model/limits.js'

const areas: Readonly<Record<string, Readonly<Record<string, unknown>>>> = { model, shared, sync, gossip, membership }
const all = Object.assign({}, ...Object.values(areas)) as Readonly<Record<string, number>>
const number = (name: string): number => {
  const value = all[name]
  if (typeof value !== 'number') throw new Error(`there is no number ${name}`)
  return value
}

/** Aims that are accepted under a number of another name. */
const partners: Readonly<Record<string, string>> = {
  baselineTrailBytesAim: 'valueBytesMax',
  clientValueBytesDefault: 'valueBytesMax',
  deltaBytesAim: 'messageBytesMax',
  entryBytesAim: 'messageBytesMax',
  entryVersionsAim: 'versionsMax',
  fetchesMax: 'servesPerPeerMax',
  heartbeatContextBytesAim: 'heartbeatFrameBytesMax',
  heartbeatRangesAim: 'contextRangesMax',
  heartbeatRelayBytesAim: 'heartbeatFrameBytesMax',
  helloListingAim: 'listingEntriesMax',
  listingAim: 'listingEntriesMax',
  localVersionsMax: 'versionsMax',
  localVersionBytesMax: 'valueBytesMax',
  resetChainsMax: 'chainsMax',
  turnClashesAim: 'clashesMax',
}

const aims = [...new Set([...Object.keys(all).filter((name) => name.endsWith('Aim')), ...Object.keys(partners)])]
const maxOf = (aim: string) => partners[aim] ?? aim.replace(/Aim$/, 'Max')

/** What decoders bound without an aim, and why. */
const withoutAim: Readonly<Record<string, string>> = {
  keyBytesMax: 'what users may store: sent as it is',
  fieldBytesMax: 'what users may store: sent as it is',
  timeMsMax: 'the range of a time',
  logicalMax: 'the range of a time',
  heartbeatMsMax: 'the range of a time or an epoch',
  contextActorsMax: 'a context is sent whole; these are actors of a table beside others that are aimed at',
  captureActorsMax: 'a context is sent whole',
  frameUpdatesMax: 'updates are aimed at in bytes: deltaBytesAim, gossipBytesAim, fetchFrameBytesAim',
  nameBytesMax: 'what an operator may set, which is less (daemon/config/checks.ts)',
  peerBytesMax: 'the form of a peer id',
  addressBytesMax: 'the form of an address; longer ones are left out',
  versionBytesMax: 'the version of the software, a few characters',
  rulePrefixBytesMax: 'what an operator may set',
  recordBytesMax: 'a record is bounded by its parts: names, addressesAim, rulesAim',
  laterFieldsMax: 'this version sends none',
}

/** The files that read what peers send. */
const decoders = [
  'store/model/codec.ts',
  'protocols/later.ts',
  'protocols/sync/codec.ts',
  'protocols/sync/parts.ts',
  'protocols/sync/pieces.ts',
  'protocols/sync/entries.ts',
  'protocols/sync/core/captures.ts',
  'protocols/gossip/messages.ts',
  'protocols/membership/messages.ts',
  'protocols/membership/read-messages.ts',
  'protocols/membership/core/record.ts',
]

describe('limits', () => {
  it.each(aims)('%s is less than what is accepted', (aim) => {
    expect(number(aim)).toBeGreaterThan(0)
    expect(number(aim)).toBeLessThan(number(maxOf(aim)))
  })

  it('leave room in one heartbeat for all that it tells', () => {
    const own = membership.heartbeatContextBytesAim + membership.heartbeatRelayBytesAim
    expect(own + 8 * membership.neighboursAim).toBeLessThan(membership.heartbeatFrameBytesMax / 2)
  })

  it.each(decoders)('%s: whatever it bounds is aimed at, or it is said why not', (path) => {
    const source = readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')
    const code = source.slice(source.lastIndexOf('\nimport ')).replace(/^import[\s\S]*?from '.*'\n/gm, '')
    const used = [...new Set([...code.matchAll(/\b\w+Max\b/g)].map(([name]) => name))].filter((name) => name in all)
    const aimed = new Set(aims.map(maxOf))
    expect(used.length).toBeGreaterThan(0)
    expect(used.filter((name) => !aimed.has(name) && !(name in withoutAim))).toEqual([])
  })

  it('give no reason for what is aimed at, or is not there', () => {
    const aimed = new Set(aims.map(maxOf))
    expect(Object.keys(withoutAim).filter((name) => !(name in all) || aimed.has(name))).toEqual([])
  })
})
