/** Maps beside what the HTTP tests show: what arrives while a whole map is being removed. */
import { describe, expect, it } from 'vitest'
import { Access } from '../../store/data/access.js'
import { Maps } from '../../store/data/maps.js'
import { mapField } from '../../store/model/address.js'
import { tokenKey } from '../../store/model/token.js'
import { openNode } from '../support/replicas.js'

/** Something happens between the look for conflicts and the removal. */
class Overtaken extends Maps {
  between: (() => Promise<unknown>) | undefined
  #reads = 0

  override async *fields(key: string): ReturnType<Maps['fields']> {
    if (++this.#reads === 2) await this.between?.()
    yield* super.fields(key)
  }
}

describe('a map that is removed whole', () => {
  async function openMap() {
    const { replica } = await openNode('maps')
    const maps = new Overtaken(new Access(replica, () => tokenKey(Buffer.alloc(32, 1))))
    for (const field of ['a', 'b']) await maps.put('m', field, Buffer.from('old'), {})
    maps.between = () =>
      replica.transact((transaction) => transaction.put(mapField('m', 'a'), Buffer.from('new'), null, []))
    return maps
  }
  const valuesOf = (maps: Maps, field: string) =>
    (maps.get('m', field)?.versions ?? []).map(({ value }) => Buffer.from(value).toString()).toSorted()

  it('keeps a field that came into conflict after the look: nobody has seen its siblings', async () => {
    const maps = await openMap()
    await maps.clear('m', {})
    expect([valuesOf(maps, 'a'), valuesOf(maps, 'b')]).toEqual([['new', 'old'], []])
  })

  it('takes it as well when everything is to go', async () => {
    const maps = await openMap()
    maps.between = undefined
    await maps.clear('m', { all: true })
    expect([valuesOf(maps, 'a'), valuesOf(maps, 'b')]).toEqual([[], []])
  })
})
