/**
 * Writes below the types' own code: whole addresses overwritten, several at once, and writers that supersede only some
 * of what they saw.
 */
import { register } from '../../store/model/address.js'
import { Random } from '../support/random.js'
import type { Verb } from './users.js'

/** Verbs that go straight to the replica. */
export const rawVerbs: Readonly<Record<string, Verb>> = {
  /** batch NODE VALUE KEY...: one atomic write of several keys */
  batch: (_, run, [value = '', ...keys]) =>
    run.replica.transact((transaction) => {
      for (const key of new Set(keys)) {
        const dots = transaction.versions(register(key)).map(({ dot }) => dot)
        transaction.put(register(key), Buffer.from(`${value}/${key}`), null, dots)
      }
    }),
  /** beside NODE KEY VALUE BYTES: a large value that supersedes nothing */
  beside: (_, run, [key = '', value = '', bytes = '']) =>
    run.replica.transact((transaction) => transaction.put(register(key), Buffer.alloc(Number(bytes), value), null, [])),
  /** some NODE KEY VALUE SALT: supersedes some of the versions in view */
  some: (_, run, [key = '', value = '', salt = '']) => {
    const random = new Random(Number(salt))
    return run.replica.transact((transaction) => {
      const dots = transaction.versions(register(key)).map(({ dot }) => dot)
      const some = dots.filter(() => random.chance(0.6))
      if (some.length > 0 && random.chance(0.3)) transaction.remove(register(key), some)
      else transaction.put(register(key), Buffer.from(value), null, some)
    })
  },
}
