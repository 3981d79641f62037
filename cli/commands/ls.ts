/** `hearsay ls`: keys in the order of their bytes, page after page. */

import { pageItemsDefault } from '../../protocols/api/limits.js'
import type { ListItem, RangeOptions } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { UsageError } from '../failure.js'
import { pageItemsWithValues } from '../limits.js'
import { count, LineBuffer, printable, shortValue } from '../output.js'
import { countTypes } from './types.js'

/** Lists keys. */
export const ls: Action = async (invocation) => {
  const range = rangeOf(invocation)
  if (invocation.flag('count')) return printCount(invocation, range)
  const wanted = invocation.count('limit', 1) ?? Number.POSITIVE_INFINITY
  const values = invocation.flag('values')
  const items = invocation.client().list({
    ...range,
    limit: Math.min(wanted, values ? pageItemsWithValues : pageItemsDefault),
    values,
  })
  // Asked once: it is a call of the system.
  const isTerminal = invocation.io.stdoutTerminal
  const lines = new LineBuffer(invocation.output)
  let printed = 0
  try {
    for await (const item of invocation.output.whileRead(items)) {
      await lines.add(invocation.json ? JSON.stringify(item) : lineOf(invocation, item, isTerminal))
      if (++printed >= wanted) return
    }
  } finally {
    await lines.flush()
  }
}

function rangeOf(invocation: Invocation): RangeOptions {
  const after = invocation.text('after')
  const until = invocation.text('until')
  return {
    prefix: invocation.positionals[0] ?? '',
    ...(after !== undefined && { after }),
    ...(until !== undefined && { until }),
    ...(invocation.flag('reverse') && { reverse: true }),
  }
}

/** Prints the number alone, and for people how many keys there are of each type. */
async function printCount(invocation: Invocation, range: RangeOptions): Promise<void> {
  if (invocation.flag('values') || invocation.text('limit') !== undefined) {
    throw new UsageError('--count counts every key: leave --values and --limit out')
  }
  const found = await invocation.client().count(range)
  if (invocation.json) return invocation.output.json(found)
  if (!invocation.io.stdoutTerminal) return invocation.output.line(`${found.keys}`)
  const types = countTypes(found.types)
  await invocation.output.line(`${count(found.keys, 'key')}${types === '' ? '' : `: ${types}`}`)
}

function lineOf(invocation: Invocation, item: ListItem, isTerminal: boolean): string {
  const key = isTerminal ? printable(item.key) : item.key
  return key + valueText(invocation, item, isTerminal) + (isTerminal ? remarkOf(invocation, item) : '')
}

function valueText(invocation: Invocation, item: ListItem, isTerminal: boolean): string {
  if (item.value === undefined || !invocation.flag('values')) return ''
  return valueColumn(item.value, item.encoding ?? 'utf8', isTerminal)
}

/** A tab, and a value behind its key: whole, or on a terminal shortened to one line. */
export function valueColumn(value: string, encoding: 'utf8' | 'base64', isTerminal: boolean): string {
  if (isTerminal) return `\t${shortValue(value, encoding)}`
  return `\t${encoding === 'base64' ? `base64:${value}` : value}`
}

/** Remark for people on what is special about a key. */
function remarkOf(invocation: Invocation, item: ListItem): string {
  const { yellow, gray } = invocation.output.colors
  const others = item.types.filter((type) => type !== 'reg')
  const types = others.length > 0 ? gray(`  ${others.join(' ')}`) : ''
  return types + (item.siblings > 1 ? yellow(`  ${item.siblings} siblings`) : '')
}
