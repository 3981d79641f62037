/** What the oracle looks at. */
import type { Mirror } from './mirror.js'

/** A disk as the oracle sees it. */
export interface Witness {
  readonly name: string
  readonly mirror: Mirror
  /** Damaged on purpose and not yet repaired: what it says proves nothing. */
  readonly isDoubtful: boolean
  /** Damaged at some time: until the mesh is at rest it may show again what was superseded. */
  readonly wasDamaged: boolean
}
