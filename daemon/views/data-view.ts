/** The HTTP API's view of the users' data: each type as far as routes use it, and backups. */
import type { Batches as StoreBatches } from '../../store/data/batches.js'
import type { Contents as StoreContents } from '../../store/data/contents.js'
import type { Counters as StoreCounters } from '../../store/data/counters.js'
import type { Documents as StoreDocuments } from '../../store/data/documents.js'
import type { Maps as StoreMaps } from '../../store/data/maps.js'
import type { Registers as StoreRegisters } from '../../store/data/registers.js'
import type { Sets as StoreSets } from '../../store/data/sets.js'

/** The users' registers, as the API uses them. */
export type Registers = Pick<
  StoreRegisters,
  'get' | 'prepare' | 'put' | 'delete' | 'list' | 'conflicts' | 'resolve' | 'reopen'
>
/** The users' counters. */
export type Counters = Pick<StoreCounters, 'get' | 'increment' | 'delete'>
/** The users' sets. */
export type Sets = Pick<StoreSets, 'has' | 'members' | 'add' | 'remove' | 'clear'>
/** The users' maps. */
export type Maps = Pick<StoreMaps, 'get' | 'prepare' | 'fields' | 'put' | 'delete' | 'clear' | 'resolve' | 'reopen'>
/** The users' documents. */
export type Documents = Pick<StoreDocuments, 'get' | 'edit' | 'delete'>
/** Everything, for exports and imports. */
export type Contents = Pick<
  StoreContents,
  'entries' | 'importVersion' | 'importMember' | 'importCounter' | 'importDocument' | 'importJson' | 'importOpaque'
>
/** Several writes as one. */
export type Batches = Pick<StoreBatches, 'run'>

/** All of the users' data, under the names by which handlers ask for it. */
export interface DataViews {
  readonly registers: Registers
  readonly counters: Counters
  readonly sets: Sets
  readonly maps: Maps
  readonly documents: Documents
  readonly batches: Batches
  readonly contents: Contents
}

/** Backups of the store, as the API takes them. */
export interface Backups {
  /** The bytes of a backup as of now, read as they are asked for. Throws NOT_VERIFIED, STORE_FAILED. */
  take(): AsyncGenerator<Buffer>
}
