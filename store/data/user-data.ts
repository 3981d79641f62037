/** All that users store, by type, over one replica. */
import { type DocumentEngine, LocalDocuments } from '../documents/engine.js'
import type { Access } from './access.js'
import { Batches } from './batches.js'
import { Contents } from './contents.js'
import { Counters } from './counters.js'
import { Documents } from './documents.js'
import { Listing } from './listing.js'
import { Maps } from './maps.js'
import { Registers } from './registers.js'
import { Sets } from './sets.js'
import { Values } from './values.js'

/** Every data type, and the listings over all of them. */
export class UserData {
  readonly registers: Registers
  readonly counters: Counters
  readonly sets: Sets
  readonly maps: Maps
  readonly documents: Documents
  readonly batches: Batches
  readonly contents: Contents
  readonly listing: Listing

  /** `documents`: who works on documents; this thread when nobody is named. */
  constructor(access: Access, documents: DocumentEngine = new LocalDocuments()) {
    this.listing = new Listing(access, new Values(access))
    this.registers = new Registers(access, this.listing)
    this.counters = new Counters(access)
    this.sets = new Sets(access)
    this.maps = new Maps(access)
    this.documents = new Documents(access, documents)
    this.batches = new Batches(access, this.counters, this.sets)
    this.contents = new Contents(access, this.counters, this.sets, this.documents)
  }

  /** Everything that an API over the data works with. */
  services() {
    const { listing: _, ...services } = this
    return services
  }
}
