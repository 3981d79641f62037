/** The HTTP API's view of the users' data, and of backups. */
import type { Contents as StoreContents } from '../../store/data/contents.js'
import type { Registers as StoreRegisters } from '../../store/data/registers.js'
import type { UserData } from '../../store/data/user-data.js'

/** The users' registers, as the API uses them. */
export type Registers = Pick<
  StoreRegisters,
  'get' | 'read' | 'put' | 'delete' | 'list' | 'count' | 'conflicts' | 'resolve' | 'reopen'
>
/** Everything, for exports and imports. */
export type Contents = Pick<
  StoreContents,
  'entries' | 'importVersion' | 'importMember' | 'importCounter' | 'importDocument' | 'importJson' | 'importOpaque'
>

/**
 * All of the users' data, under the names by which handlers ask for it: every type as the store has it, and the two
 * above, which tests replace.
 */
export interface DataViews extends Omit<ReturnType<UserData['services']>, 'registers' | 'contents'> {
  readonly registers: Registers
  readonly contents: Contents
}

/** Backups of the store, as the API takes them. */
export interface Backups {
  /** The bytes of a backup as of now, read as they are asked for. Throws NOT_VERIFIED, STORE_FAILED. */
  take(): AsyncGenerator<Buffer>
}
