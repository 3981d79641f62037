/** `hearsay map`: fields of maps, each a register of its own. */
import type { Action, Invocation } from '../command.js'
import { UsageError } from '../failure.js'
import { printable, shortValue } from '../output.js'
import { deleteOptionsOf, reportDeleted } from './del.js'
import { type ConflictPlace, printVersions, readOptionsOf, warnOfSiblings } from './get.js'
import { putOptionsOf, readValue, reportPut, warnOfRest } from './put.js'

/** Stores a field. */
export const put: Action = async (invocation) => {
  const [key = '', field = ''] = invocation.positionals
  const value = await readValue(invocation, 2)
  const written = await invocation.client().maps.put(key, field, value, putOptionsOf(invocation))
  if (invocation.json) await invocation.output.json(written)
  else await reportPut(invocation.output, { ...written, key: `${key} ${field}` }, { json: false, what: 'stored' })
  await warnOfRest(invocation, written, placeOf(key, field))
}

/** Prints a field, or all of them. */
export const get: Action = async (invocation) => {
  const [key = '', field] = invocation.positionals
  if (field === undefined) return list(invocation)
  const options = readOptionsOf(invocation)
  const { maps } = invocation.client()
  if (invocation.json || invocation.flag('all')) {
    const found = await maps.getAll(key, field, options)
    return printVersions(invocation, found, warning(invocation, key, field))
  }
  const shown = await maps.get(key, field, options)
  await invocation.output.bytes(shown.value)
  if (shown.siblings > 1) await warning(invocation, key, field)(shown.siblings)
}

function warning(invocation: Invocation, key: string, field: string): (siblings: number) => Promise<void> {
  return (siblings) => warnOfSiblings(invocation, siblings, placeOf(key, field))
}

function placeOf(key: string, field: string): ConflictPlace {
  const [name, part] = [printable(key), printable(field)]
  return {
    what: `${name} ${part}`,
    look: `hearsay map get ${name} ${part} --all`,
    settle: `hearsay resolve ${name} --field ${part}`,
  }
}

/** Prints all fields, one a line. */
export const list: Action = async (invocation) => {
  const map = await invocation.client().maps.fields(invocation.argument(0))
  const { output, io } = invocation
  if (invocation.json) return output.json(map)
  for (const [field, { value, encoding, siblings }] of Object.entries(map.fields)) {
    const shown = io.stdoutTerminal ? shortValue(value, encoding) : encoding === 'base64' ? `base64:${value}` : value
    const remark = siblings > 1 && io.stdoutTerminal ? output.colors.yellow(`  ${siblings} siblings`) : ''
    await output.line(`${io.stdoutTerminal ? printable(field) : field}\t${shown}${remark}`)
  }
}

/** Removes fields. */
export const remove: Action = async (invocation) => {
  const [key = '', ...fields] = invocation.positionals
  const options = deleteOptionsOf(invocation)
  if (options.context !== undefined && fields.length > 1) {
    throw new UsageError('--context belongs to one field; remove the fields one by one')
  }
  for (const field of fields) await invocation.client().maps.remove(key, field, options)
  if (invocation.json) return invocation.output.json({ key, removed: fields.length })
  await invocation.output.line(`removed ${fields.map(printable).join(', ')} from ${printable(key)}`)
}

/** Removes all fields. */
export const clear: Action = async (invocation) => {
  const key = invocation.argument(0)
  await invocation.client().maps.clear(key, deleteOptionsOf(invocation))
  await reportDeleted(invocation, key)
}
