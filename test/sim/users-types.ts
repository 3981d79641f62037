/**
 * What users do with counters, sets and maps, and with batches of all types; documents as the store sees them: whole
 * saved values.
 */
import type { Operation } from '../../store/data/batches.js'
import { document, setMember } from '../../store/model/address.js'
import type { Run } from './node.js'
import type { Verb } from './users.js'
import { inViewOfPut } from './views.js'
import { SimulationViolation } from './violation.js'

const bytes = (text: string) => Buffer.from(text)

/** Every version in view goes. */
function expectAll(run: Run): void {
  run.expected = (versions) => versions.map(({ dot }) => dot)
}

/** Verbs of all types but registers. */
export const typeVerbs: Readonly<Record<string, Verb>> = {
  /** incr NODE KEY BY */
  incr: (_, run, [key = '', by = '']) => {
    run.adding = BigInt(by)
    return run.data.counters.increment(key, Number(by), {})
  },
  /** uncount NODE KEY: deletes a counter */
  uncount: (_, run, [key = '']) => {
    expectAll(run)
    return run.data.counters.delete(key, {})
  },
  /** count NODE KEY: reads it */
  count: (_, run, [key = '']) => {
    run.data.counters.get(key)
    return undefined
  },
  /** setadd NODE KEY MEMBER */
  setadd: (_, run, [key = '', member = '']) => {
    expectAll(run)
    return run.data.sets.add(key, bytes(member), {})
  },
  /** settake NODE KEY MEMBER: removes it */
  settake: (_, run, [key = '', member = '']) => {
    expectAll(run)
    return run.data.sets.remove(key, bytes(member), {})
  },
  /** setclear NODE KEY: removes all members */
  setclear: (_, run, [key = '']) => run.data.sets.clear(key, {}),
  /** mapput NODE KEY FIELD VALUE */
  mapput: (_, run, [key = '', field = '', value = '']) => {
    run.expected = (versions) => inViewOfPut(versions, run.clocks())
    return run.data.maps.put(key, field, bytes(value), {})
  },
  /** maprm NODE KEY FIELD */
  maprm: (_, run, [key = '', field = '']) => {
    expectAll(run)
    return run.data.maps.delete(key, field, { all: true })
  },
  /** mapclear NODE KEY */
  mapclear: (_, run, [key = '']) => run.data.maps.clear(key, { all: true }),
  /** edit NODE KEY VALUE: a document that merged what was in view */
  edit: (_, run, [key = '', value = '']) =>
    run.replica.transact((transaction) => {
      const dots = transaction.versions(document(key)).map(({ dot }) => dot)
      return transaction.put(document(key), bytes(value), null, dots)
    }),
  /** together NODE KEY VALUE MEMBER FIELD: all types in one batch, which is stored whole or not at all */
  together: async (_, run, [key = '', value = '', member = '', field = '']) => {
    const operations: Operation[] = [
      { op: 'put', key, value: bytes(value), options: {} },
      { op: 'counter.incr', key, by: 1 },
      { op: 'set.add', key, member: bytes(member) },
      { op: 'map.put', key, field, value: bytes(value), options: {} },
    ]
    const dots = await run.data.batches.run(operations, {})
    const isWhole = dots.every((dot, at) => at === 0 || dot.counter === dots[at - 1]!.counter + 1)
    if (!isWhole) throw new SimulationViolation('torn-batch', `the dots of a batch at ${key} do not follow each other`)
  },
  /** refused NODE KEY VALUE MEMBER: a batch whose last operation cannot be done; nothing of it may be stored */
  refused: async (_, run, [key = '', value = '', member = '']) => {
    const nobody = `nobody-${value}`
    const operations: Operation[] = [
      { op: 'set.add', key, member: bytes(`${member}-${value}`) },
      { op: 'set.rm', key, member: bytes(nobody) },
    ]
    const refusal = run.data.batches.run(operations, {}).then(
      () => 'stored',
      () => 'refused',
    )
    if ((await refusal) === 'stored')
      throw new SimulationViolation('torn-batch', `a batch at ${key} was stored in spite of its refusal`)
    if (run.replica.versions(setMember(key, bytes(`${member}-${value}`))).length > 0) {
      throw new SimulationViolation('torn-batch', `half of a refused batch is stored at ${key}`)
    }
  },
}
