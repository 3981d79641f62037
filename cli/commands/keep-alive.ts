/**
 * `hearsay put KEY VALUE --keep-alive CMD…`: a key that is there for as long as a command runs on a machine that runs.
 */
import { runChild } from '../child-command.js'
import { type Client, HearsayApiError, type PutOptions, type Written } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { UsageError } from '../failure.js'
import { Keeper, type KeptKey } from '../keep-alive/keeper.js'
import { keptTtlMsDefault, keptTtlMsMin, Renewals } from '../keep-alive/renewals.js'
import { printable } from '../output.js'
import { placeOf } from './get.js'
import { put, putOptionsOf, readValue, warnOfRest } from './put.js'

/** Stores a value; with `--keep-alive` it runs a command meanwhile, and passes its exit code on. */
export const putOrKeepAlive: Action = (invocation) => {
  const command = invocation.options['keep-alive']
  return Array.isArray(command) ? keepAlive(invocation, command as readonly string[]) : put(invocation)
}

async function keepAlive(invocation: Invocation, command: readonly string[]): Promise<number> {
  const { io, output } = invocation
  const kept = await keptKeyOf(invocation, command)
  const options = { ttlMs: keptTtlMsDefault, ...putOptionsOf(invocation) }
  if (options.ttlMs < keptTtlMsMin) {
    throw new UsageError(`--ttl of a key that is kept alive is at least ${keptTtlMsMin / 1000}s`)
  }
  const client = invocation.client()
  const beganMs = performance.now()
  const written = await storeFirst(client, kept, options)
  await warnOfRest(invocation, written, placeOf(kept.key))
  const keeper = new Keeper(client, kept, written, new Renewals(options.ttlMs, beganMs, Math.random), output)
  keeper.start()
  const environment = { ...io.environment, HEARSAY_API: client.address, HEARSAY_KEY: kept.key }
  const { exit, failure } = await runChild(command, { environment, terminal: io.stdinTerminal })
  await keeper.end()
  if (failure !== undefined) await output.warn(`${printable(command[0]!)} cannot be run: ${failure.message}`)
  return exit
}

/** The key and its value. Stdin belongs to the command, so that the value cannot come from there. */
async function keptKeyOf(invocation: Invocation, command: readonly string[]): Promise<KeptKey> {
  if (command.length === 0) throw new UsageError('there is no command behind --keep-alive')
  const given = invocation.positionals[1] ?? invocation.text('file')
  if (given === undefined || given === '-') {
    throw new UsageError('give VALUE or --file: with --keep-alive stdin belongs to the command')
  }
  const name = `keep-alive-${globalThis.crypto.randomUUID()}`
  return { key: invocation.argument(0), value: await readValue(invocation, 1), name }
}

/**
 * The first put, as its flags say. What is stored without the acknowledgements asked for is deleted again: the command
 * does not run.
 */
async function storeFirst(client: Client, { key, value, name }: KeptKey, options: PutOptions): Promise<Written> {
  try {
    return await client.put(key, value, { idempotencyKey: `${name}-0`, ...options })
  } catch (error) {
    const context = error instanceof HearsayApiError ? error.details.context : undefined
    // It expires by itself where it cannot be deleted.
    if (typeof context === 'string') await client.delete(key, { context }).catch(() => {})
    throw error
  }
}
