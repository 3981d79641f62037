/** Local writes alone are refused at a limit, with the remedy; what peers bring is kept. */
import { describe, expect, it } from 'vitest'
import { Access } from '../../store/data/access.js'
import { UserData } from '../../store/data/user-data.js'
import { document, mapField, register } from '../../store/model/address.js'
import { localVersionBytesMax, localVersionsMax } from '../../store/model/limits.js'
import { tokenKey } from '../../store/model/token.js'
import { limitAddress, takeUpdates, updatesOf } from '../support/many-updates.js'
import { openNode } from '../support/replicas.js'

describe('local writes', () => {
  const open = async () => {
    const node = await openNode('local')
    return { node, data: new UserData(new Access(node.replica, () => tokenKey(Buffer.alloc(32)))) }
  }
  const refused = { code: 'TOO_MANY_SIBLINGS' }

  it.each([
    ['a register', register('k')],
    ['a field', mapField('k', 'f')],
    ['a document', document('k')],
  ])('leave at most so many versions of %s; one that settles is taken', async (_, at) => {
    const { node } = await open()
    const sibling = () => node.replica.transact((transaction) => transaction.put(at, Buffer.from('x'), null, []))
    await takeUpdates(
      node,
      updatesOf(localVersionsMax - 2, at, (index) => Buffer.from(`${index}`)),
    )
    await sibling()
    await sibling()
    await expect(sibling()).rejects.toMatchObject({ ...refused, details: { versions: localVersionsMax } })
    expect(node.replica.versions(at)).toHaveLength(localVersionsMax)
    const [first] = node.replica.versions(at)
    await node.replica.transact((transaction) => transaction.put(at, Buffer.from('y'), null, [first!.dot]))
    const inView = node.replica.versions(at).map(({ dot }) => dot)
    await node.replica.transact((transaction) => transaction.put(at, Buffer.from('z'), null, inView))
    expect(node.replica.versions(at)).toHaveLength(1)
  })

  it('leave at most so many bytes of siblings; what peers bring beyond it stays, and may be made less', async () => {
    const { node, data } = await open()
    const half = Buffer.alloc(localVersionBytesMax / 2)
    const sibling = (value: Uint8Array) =>
      node.replica.transact((transaction) => transaction.put(limitAddress, value, null, []))
    await sibling(half)
    await sibling(half)
    await expect(sibling(Buffer.of(1))).rejects.toMatchObject(refused)
    await takeUpdates(
      node,
      updatesOf(3, limitAddress, () => half),
    )
    expect(data.registers.get('k')!.versions).toHaveLength(1)
    expect(node.replica.versions(limitAddress)).toHaveLength(5)
    const [first, second] = node.replica.versions(limitAddress)
    await node.replica.transact((transaction) => transaction.put(limitAddress, half, null, [first!.dot, second!.dot]))
    expect(node.replica.versions(limitAddress)).toHaveLength(4)
    // One value alone is bound by its own limit.
    const large = await open()
    await large.data.registers.put('k', Buffer.alloc(localVersionBytesMax + 1), {})
    await large.data.registers.put('k', Buffer.alloc(localVersionBytesMax + 2), {})
    expect(large.data.registers.get('k')!.versions[0]!.value).toHaveLength(localVersionBytesMax + 2)
  })

  it('are refused alike by a put with an old context, and by an import; a set and a counter are not bound', async () => {
    const { node, data } = await open()
    const { context } = await data.registers.put('k', Buffer.from('first'), {})
    await takeUpdates(
      node,
      updatesOf(localVersionsMax - 2, limitAddress, (at) => Buffer.from(`${at}`)),
    )
    for (const value of ['second', 'third']) await data.registers.put('k', Buffer.from(value), { context })
    await expect(data.registers.put('k', Buffer.from('more'), { context })).rejects.toMatchObject(refused)
    const extra = { expiresAtMs: null, extra: true }
    await expect(data.contents.importVersion(limitAddress, Buffer.from('more'), extra)).rejects.toMatchObject(refused)
    const shown = data.registers.get('k')!
    expect(shown.versions).toHaveLength(localVersionsMax)
    await data.registers.put('k', Buffer.from('settled'), { context: shown.context })
    expect(data.registers.get('k')!.versions).toHaveLength(1)
  })
})
