/** Keys that do not hold what was asked for: the error says what they do hold. */
import { dataTypeOf } from '../../protocols/api/data-types.js'
import type { ListItem, UserType } from '../../store/data/types.js'
import { HearsayError } from '../../store/errors.js'
import type { Registers } from '../views/data-view.js'

/** Rejects with NOT_FOUND for a key without a register; `types` in its details are those that it has. */
export async function absentValue(registers: Pick<Registers, 'list'>, key: string): Promise<never> {
  // A key is the first of all that begin with it.
  const { items } = await registers.list({ prefix: key, limit: 1, values: false })
  const types = typesOf(items[0], key)
  if (types.length === 0) throw new HearsayError('NOT_FOUND', `there is no "${key}"`)
  const held = types.map(nounOf).join(' and ')
  throw new HearsayError('NOT_FOUND', `"${key}" is ${held}, and has no value of its own`, { types })
}

function typesOf(item: ListItem | undefined, key: string): readonly UserType[] {
  return item?.key === key ? item.types.filter((type) => type !== 'reg') : []
}

function nounOf(type: UserType): string {
  const noun = dataTypeOf(type)?.noun
  return noun === undefined ? `data that this version does not know (${type})` : `a ${noun}`
}
