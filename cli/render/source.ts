/** Reads what a template needs: the file itself, and the values at the daemon. */
import { type Client, HearsayApiError, isHearsayError } from '../client.js'
import { fileFailure } from '../file-failure.js'
import {
  pageItemsWithValues,
  renderedItemsMax,
  templateBytesMax,
  templateKeysMax,
  valuesReadAtOnce,
} from '../limits.js'
import { needsOf, type TemplateNeeds, type TemplateValues } from './rendering.js'
import { type Part, parseTemplate } from './template.js'

/** A template with what it reads. */
export interface Template {
  readonly parts: readonly Part[]
  readonly needs: TemplateNeeds
}

/** Values that were read, and the keys of them that have siblings. */
export interface ReadValues {
  readonly values: TemplateValues
  readonly conflicts: readonly string[]
}

/** Reads and parses a template. Throws FILE_FAILED, TOO_LARGE, and BAD_TEMPLATE. */
export async function loadTemplate(path: string): Promise<Template> {
  const { readFile } = process.getBuiltinModule('node:fs/promises')
  const bytes = await readFile(path).catch((error: unknown) => {
    throw fileFailure('read', path, error)
  })
  if (bytes.byteLength > templateBytesMax) throw oversized(`a template has at most ${templateBytesMax} bytes`)
  const text = bytes.toString('utf8')
  if (!Buffer.from(text).equals(bytes)) throw new HearsayApiError('BAD_TEMPLATE', 0, `${path} is not UTF-8`)
  const parts = parseTemplate(text)
  const needs = needsOf(parts)
  if (needs.keys.length + needs.prefixes.length > templateKeysMax) {
    throw oversized(`a template reads at most ${templateKeysMax} keys and prefixes`)
  }
  return { parts, needs }
}

/** Reads all values; a key without one is left out. Rejects with TOO_LARGE when too many are below the prefixes. */
export async function readValues(client: Client, needs: TemplateNeeds, signal: AbortSignal): Promise<ReadValues> {
  const values = new Map<string, Uint8Array>()
  const lists = new Map<string, { key: string; value: Uint8Array }[]>()
  const conflicts: string[] = []
  const waiting = [...needs.keys]
  const readOne = async () => {
    for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
      const shown = await client.get(key, { signal }).catch(whenAbsent)
      if (shown !== undefined) values.set(key, shown.value)
      if (shown !== undefined && shown.siblings > 1) conflicts.push(key)
    }
  }
  await Promise.all(Array.from({ length: valuesReadAtOnce }, readOne))
  let count = 0
  for (const prefix of needs.prefixes) {
    const list: { key: string; value: Uint8Array }[] = []
    for await (const item of client.list({ prefix, values: true, limit: pageItemsWithValues, signal })) {
      if (++count > renderedItemsMax) throw oversized(`a template lists at most ${renderedItemsMax} keys`)
      if (item.value !== undefined) list.push({ key: item.key, value: Buffer.from(item.value, item.encoding) })
      if (item.siblings > 1) conflicts.push(item.key)
    }
    lists.set(prefix, list)
  }
  const read = { value: (key: string) => values.get(key), below: (prefix: string) => lists.get(prefix) ?? [] }
  return { values: read, conflicts: [...new Set(conflicts)] }
}

function whenAbsent(error: unknown): undefined {
  if (!isHearsayError(error, 'NOT_FOUND')) throw error
}

function oversized(message: string): HearsayApiError {
  return new HearsayApiError('TOO_LARGE', 0, `${message}; nothing was written`)
}
