/** Messages between the daemon and the thread of an application's module, and the module's input. */

/** One distinct version, as a module is given it. */
export interface ModuleVersion {
  readonly value: Uint8Array
  /** The value as text; null when it is not UTF-8. */
  readonly text: string | null
  /** Time of the write, in milliseconds since 1970, by the clock of the node that wrote it. */
  readonly time: number
}

/** A version as the daemon passes it; its text is decoded in the thread. */
export type SentVersion = Pick<ModuleVersion, 'value' | 'time'>

/** Start data of a thread. */
export interface ThreadData {
  /** The module's own text. */
  readonly source: string
  readonly exampleBytesMax: number
  readonly examplesMax: number
  readonly resultBytesMax: number
  readonly reasonCharactersMax: number
}

/** A call. */
export interface ModuleQuestion {
  readonly id: number
  readonly versions: readonly SentVersion[]
}

/** The first message of a thread. */
export type ModuleLoaded = { readonly examples: readonly Uint8Array[] } | { readonly reason: string }

/** The answer to a call. */
export type ModuleAnswer = { readonly id: number } & ({ readonly value: Uint8Array } | { readonly reason: string })
