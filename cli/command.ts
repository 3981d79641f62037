/** Types of a command: its row in the table, and its invocation. */
import type { Client } from './client.js'
import { parseDurationMs } from './duration.js'
import { UsageError } from './failure.js'
import type { Io } from './io.js'
import type { Output } from './output.js'

/** One flag of a command. */
export interface OptionSpec {
  /** The long name, without dashes. */
  readonly name: string
  /** One letter that means the same behind a single dash. */
  readonly short?: string
  /** The name of its value in the help; a flag without value when absent. */
  readonly value?: string
  /** True if it may be given several times. */
  readonly repeatable?: boolean
  /** True if its value may be left out, which means `true`. */
  readonly valueOptional?: boolean
  /** The only values allowed. */
  readonly choices?: readonly string[]
  readonly help: string
}

/** One argument of a command. */
export interface ArgumentSpec {
  /** Name in capitals, as in the help. */
  readonly name: string
  readonly required: boolean
  readonly variadic?: boolean
  /** A number that may be negative: `-5` is not taken for a flag. */
  readonly signed?: boolean
  /** Words to complete it with. */
  readonly choices?: readonly string[]
  /** Completed with keys that exist. */
  readonly completesKeys?: boolean
  /** Completed with names of members. */
  readonly completesMembers?: boolean
}

/** One command. */
export interface CommandSpec {
  /** One word, or two for a command of a group. */
  readonly name: string
  readonly summary: string
  readonly arguments: readonly ArgumentSpec[]
  readonly options: readonly OptionSpec[]
  /** True if everything behind the first argument is another command, with flags of its own. */
  readonly passesOn?: boolean
  /** Text on what it waits for, shown on a terminal when it takes more than a second; absent: it shows that itself. */
  readonly waits?: string
  /** Lines that run, shown below the help. */
  readonly examples?: readonly string[]
  /** Loads what it does; only the called command is loaded. */
  readonly load: () => Promise<Action>
}

/** All commands, as the help and the completions show them. */
export interface CommandTable {
  /** Commands in the order of the help. */
  readonly commands: readonly CommandSpec[]
  /** Subjects of the commands of two words, by their first word. */
  readonly groups: Readonly<Record<string, string>>
}

/** Runs a command; resolves with the exit code, 0 when with nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: an action that has no code to give returns nothing
export type Action = (invocation: Invocation) => Promise<number | void>

/** The values of the flags given. */
export type OptionValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** One call of a command. */
export class Invocation {
  constructor(
    readonly io: Io,
    readonly output: Output,
    readonly positionals: readonly string[],
    readonly options: OptionValues,
    /** Makes the client when first needed. */
    readonly client: () => Client,
  ) {}

  /** True if the output is for programs. */
  get json(): boolean {
    return this.flag('json')
  }

  /** An argument that the table says is required. */
  argument(index: number): string {
    return this.positionals[index]!
  }

  /** True if a flag is given. */
  flag(name: string): boolean {
    return this.options[name] === true
  }

  /** The value of an option; undefined when it is not given. */
  text(name: string): string | undefined {
    const value = this.options[name]
    return typeof value === 'string' ? value : undefined
  }

  /** The value of an option in milliseconds. Throws UsageError when it is no duration. */
  durationMs(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const durationMs = parseDurationMs(text)
    if (durationMs === undefined)
      throw new UsageError(`invalid duration '${text}' for --${name}: use 500ms, 30s, 5m, 2h`)
    return durationMs
  }

  /** The value of an option as a whole number of at least `least`. Throws UsageError. */
  count(name: string, least: number): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const count = Number(text)
    if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count >= least) return count
    throw new UsageError(`invalid number '${text}' for --${name}: use a whole number of at least ${least}`)
  }

  /** Requirements of a write on other nodes, from its flags; only those given. Throws UsageError. */
  nodes(): { acks?: number | 'majority' | 'all'; requireQuorum?: true; timeoutMs?: number } {
    const acks = this.#acks()
    const timeoutMs = this.durationMs('timeout')
    return {
      ...(acks !== undefined && { acks }),
      ...(this.flag('require-quorum') && { requireQuorum: true }),
      ...(timeoutMs !== undefined && { timeoutMs }),
    }
  }

  /** The name that makes a repeated write harmless, when given. */
  once(): { idempotencyKey?: string } {
    const idempotencyKey = this.text('id')
    return idempotencyKey === undefined ? {} : { idempotencyKey }
  }

  #acks(): number | 'majority' | 'all' | undefined {
    const text = this.text('acks')
    if (text === undefined || text === 'majority' || text === 'all') return text
    if (/^\d+$/.test(text) && Number(text) > 0) return Number(text)
    throw new UsageError(`invalid value '${text}' for --acks: use a number of nodes, majority or all`)
  }
}
