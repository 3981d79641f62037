/** `hearsay ls`: keys in the order of their bytes, page after page. */

import { pageItemsDefault } from '../../protocols/api/limits.js'
import type { ListItem } from '../client.js'
import type { Action, Invocation } from '../command.js'
import { pageItemsWithValues } from '../limits.js'
import { printable, shortValue } from '../output.js'

/** Lists keys. */
export const ls: Action = async (invocation) => {
  const wanted = invocation.count('limit', 1) ?? Number.POSITIVE_INFINITY
  const values = invocation.flag('values')
  const after = invocation.text('after')
  const items = invocation.client().list({
    prefix: invocation.positionals[0] ?? '',
    ...(after !== undefined && { after }),
    limit: Math.min(wanted, values ? pageItemsWithValues : pageItemsDefault),
    values,
  })
  let printed = 0
  for await (const item of invocation.output.whileRead(items)) {
    await print(invocation, item)
    if (++printed >= wanted) return
  }
}

function print(invocation: Invocation, item: ListItem): Promise<void> {
  const { output, io } = invocation
  if (invocation.json) return output.json(item)
  const key = io.stdoutTerminal ? printable(item.key) : item.key
  return output.line(key + valueText(invocation, item) + remarkOf(invocation, item))
}

function valueText(invocation: Invocation, item: ListItem): string {
  if (item.value === undefined || !invocation.flag('values')) return ''
  const encoding = item.encoding ?? 'utf8'
  if (invocation.io.stdoutTerminal) return `\t${shortValue(item.value, encoding)}`
  return `\t${encoding === 'base64' ? `base64:${item.value}` : item.value}`
}

/** For people only: what is special about a key. */
function remarkOf(invocation: Invocation, item: ListItem): string {
  if (!invocation.io.stdoutTerminal) return ''
  const { yellow, gray } = invocation.output.colors
  const others = item.types.filter((type) => type !== 'reg')
  const types = others.length > 0 ? gray(`  ${others.join(' ')}`) : ''
  return types + (item.siblings > 1 ? yellow(`  ${item.siblings} siblings`) : '')
}
