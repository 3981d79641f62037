/** Registers without a store, and exports and imports over them. */
import type { Contents, Registers } from '../../daemon/views/data-view.js'
import type { Content } from '../../store/data/contents.js'
import type { KeyRange } from '../../store/data/scan.js'
import type {
  ConflictItem,
  CountedKeys,
  ListItem,
  Page,
  Reopened,
  Resolution,
  SettledVersion,
  Shown,
  ShownVersion,
  WriteOptions,
  Written,
} from '../../store/data/types.js'
import { HearsayError } from '../../store/errors.js'
import { type Address, register } from '../../store/model/address.js'
import { type Dot, dotText, sameDot } from '../../store/model/dot.js'

/** The actor of all dots here. */
export const fakeActor = '00000000000000aa'

/** The tag of the member that all versions here are of. */
export const fakeMember = 'bbbbbbbbbbbbbbbb'

/** Registers without a store: tokens are lists of dots in the clear. */
export class FakeRegisters implements Registers {
  readonly versions = new Map<string, ShownVersion[]>()
  readonly retries = new Map<string, { hash: string; written: Written }>()
  /** Keys whose values fail their checksum. */
  readonly damaged = new Set<string>()
  /** Error with which writes fail, when set. */
  failure: HearsayError | undefined
  #counter = 0

  get(key: string): Shown | undefined {
    if (this.damaged.has(key)) throw new HearsayError('DAMAGED_VALUE', `the value of "${key}" is damaged`)
    const versions = this.versions.get(key) ?? []
    if (versions.length === 0) return undefined
    const [first] = versions
    return { key, versions, winnerContext: token(key, [first!]), context: token(key, versions) }
  }

  read(key: string): Shown | undefined {
    return this.get(key)
  }

  async put(key: string, value: Uint8Array, options: WriteOptions): Promise<Written> {
    if (this.failure !== undefined) throw this.failure
    const { retry } = options
    if (retry !== undefined) {
      const hash = Buffer.from(retry.requestHash).toString('hex')
      const earlier = this.retries.get(retry.key)
      if (earlier !== undefined) {
        if (earlier.hash === hash) return earlier.written
        throw new HearsayError('RETRY_KEY_REUSED', 'another request used this key')
      }
      const written = await this.#write(key, value, options)
      this.retries.set(retry.key, { hash, written })
      return written
    }
    return this.#write(key, value, options)
  }

  async #write(key: string, value: Uint8Array, options: WriteOptions): Promise<Written> {
    await options.guard?.()
    const before = this.versions.get(key) ?? []
    if (options.ifAbsent === true && before.length > 0) throw new HearsayError('EXISTS', `"${key}" exists`)
    const seen = options.context === undefined ? before.slice(0, 1).map(dotOf) : dotsOf(key, options.context)
    const kept = before.filter((version) => !seen.includes(dotOf(version)))
    return this.add(key, value, kept, options.expiresAtMs ?? null)
  }

  /** Adds a version in front of others. */
  add(key: string, value: Uint8Array, kept = this.versions.get(key) ?? [], expiresAtMs: number | null = null): Written {
    const counter = ++this.#counter
    const made = {
      dot: { actor: fakeActor, counter },
      member: fakeMember,
      time: { ms: 1000 + counter, logical: 0 },
      expiresAtMs,
      value,
    }
    this.versions.set(key, [made, ...kept])
    return { dot: made.dot, context: token(key, [made]) }
  }

  async delete(key: string, options: WriteOptions): Promise<Written> {
    await options.guard?.()
    const before = this.versions.get(key) ?? []
    if (before.length === 0) throw new HearsayError('NOT_FOUND', `there is no "${key}"`)
    if (before.length > 1 && options.all !== true && options.context === undefined) {
      throw new HearsayError('CONFLICT', `"${key}" is in conflict`, { siblings: before.length })
    }
    const seen = options.context === undefined ? before.map(dotOf) : dotsOf(key, options.context)
    const kept = before.filter((version) => !seen.includes(dotOf(version)))
    if (kept.length > 0) this.versions.set(key, kept)
    else this.versions.delete(key)
    return { dot: { actor: fakeActor, counter: ++this.#counter }, context: '' }
  }

  async list(query: KeyRange & { limit: number }): Promise<Page<ListItem>> {
    const keys = this.#keysIn(query)
    const page = keys.slice(0, query.limit)
    const items = page.map((key) => ({ key, types: ['reg'] as const, siblings: this.versions.get(key)!.length }))
    return { items, next: keys.length > page.length ? page.at(-1)! : null }
  }

  async count(range: KeyRange): Promise<CountedKeys> {
    const keys = this.#keysIn(range).length
    return { keys, types: new Map([['reg', keys]]), next: null }
  }

  #keysIn({ prefix, after, until, reverse }: KeyRange): string[] {
    const keys = [...this.versions.keys()].sort().filter((key) => key.startsWith(prefix))
    if (reverse) keys.reverse()
    const isBeyond = (key: string, bound: string) => (reverse ? key < bound : key > bound)
    return keys.filter(
      (key) => (after === undefined || isBeyond(key, after)) && (until === undefined || !isBeyond(key, until)),
    )
  }

  async conflicts(query: { prefix: string; after?: string; limit: number }): Promise<Page<ConflictItem>> {
    const page = await this.list({ ...query, limit: Number.MAX_SAFE_INTEGER })
    const all = page.items.filter((item) => item.siblings > 1)
    const items = all.slice(0, query.limit).map(({ key }) => {
      const versions = this.versions.get(key)!
      return { key, type: 'reg' as const, field: new Uint8Array(0), context: token(key, versions), versions }
    })
    return { items, next: all.length > items.length ? items.at(-1)!.key : null }
  }

  async resolve(key: string, resolution: Resolution, options: { context?: string }): Promise<Written> {
    const versions = this.versions.get(key) ?? []
    if (options.context !== undefined && dotsOf(key, options.context).length < versions.length) {
      throw new HearsayError('STALE_CONTEXT', 'a newer sibling has come')
    }
    if ('merge' in resolution) throw new HearsayError('BAD_REQUEST', 'no resolver')
    const value = 'value' in resolution ? resolution.value : versions[resolution.pick - 1]!.value
    return { ...this.add(key, value, []), settled: versions }
  }

  async reopen(key: string, resolution: Dot, settled: readonly SettledVersion[]): Promise<Reopened> {
    const [only] = this.versions.get(key) ?? []
    if (only === undefined || !sameDot(only.dot, resolution)) throw new HearsayError('STALE_CONTEXT', 'written again')
    this.versions.delete(key)
    const dots = settled.toReversed().map(({ value }) => this.add(key, value).dot)
    return { dots: dots.toReversed(), context: token(key, this.versions.get(key)!) }
  }
}

/** Exports and imports: the fake registers; other types as they are in memory. */
export class FakeContents implements Contents {
  readonly #registers: FakeRegisters
  readonly #real: Contents

  constructor(registers: FakeRegisters, real: Contents) {
    this.#registers = registers
    this.#real = real
  }

  async *entries(prefix: string): AsyncGenerator<readonly Content[]> {
    const { versions, damaged } = this.#registers
    for (const key of [...versions.keys()].sort().filter((one) => one.startsWith(prefix))) {
      const error = new HearsayError('DAMAGED_VALUE', `the value of "${key}" is damaged`)
      const address = register(key)
      if (damaged.has(key)) yield [{ kind: 'damaged', address, error }]
      else yield [{ kind: 'versions', address, versions: versions.get(key)! }]
    }
    yield* this.#real.entries(prefix)
  }

  async importVersion(
    address: Address,
    value: Uint8Array,
    options: { expiresAtMs: number | null; extra: boolean },
  ): Promise<boolean> {
    if (address.type !== 'reg') return this.#real.importVersion(address, value, options)
    const { failure, versions } = this.#registers
    if (failure !== undefined) throw failure
    const before = versions.get(address.key) ?? []
    if (before.some((version) => Buffer.compare(version.value, value) === 0)) return false
    this.#registers.add(address.key, value, options.extra ? before : before.slice(1), options.expiresAtMs)
    return true
  }

  importMember = (key: string, member: Uint8Array) => this.#real.importMember(key, member)
  importCounter = (key: string, value: bigint) => this.#real.importCounter(key, value)
  importDocument: Contents['importDocument'] = (key, saved) => this.#real.importDocument(key, saved)
  importOpaque: Contents['importOpaque'] = (address, versions) => this.#real.importOpaque(address, versions)
  importJson: Contents['importJson'] = (key, json, bytesMax) => this.#real.importJson(key, json, bytesMax)
}

const dotOf = (version: ShownVersion) => dotText(version.dot)

function token(key: string, versions: readonly ShownVersion[]): string {
  return Buffer.from(JSON.stringify([key, ...versions.map(dotOf)])).toString('base64url')
}

function dotsOf(key: string, context: string): string[] {
  try {
    const [of, ...dots] = JSON.parse(Buffer.from(context, 'base64url').toString()) as string[]
    if (of === key) return dots
  } catch {
    // Answered below.
  }
  throw new HearsayError('BAD_CONTEXT', 'this context is malformed, altered, or of another key')
}
