/** Documents on real daemons: edited apart, merged when they meet again, kept over kill -9. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allEqual, type Daemon, Fleet, runProgram } from './daemons.js'

describe('documents', () => {
  let fleet: Fleet
  let daemons: Daemon[]
  beforeAll(async () => {
    fleet = await Fleet.create()
    daemons = await fleet.mesh(['one', 'two'])
  })
  afterAll(() => fleet.end())

  it('edited on both sides of a cut show all edits on both, and the conflict', async () => {
    const [one, two] = daemons as [Daemon, Daemon]
    await one.client.documents.put('plan', { title: 'trip', days: ['museum'], people: { ann: 1, bob: 1 } })
    await allEqual(daemons)
    await one.client.block(['two'])
    await one.client.documents.put('plan', { title: 'long trip', days: ['museum', 'beach'], people: { ann: 1 } })
    await two.client.documents.patch('plan', [
      { op: 'replace', path: '/title', value: 'short trip' },
      { op: 'add', path: '/days/0', value: 'breakfast' },
      { op: 'replace', path: '/people/bob', value: 2 },
    ])
    await one.client.unblock()
    await allEqual(daemons)
    const [left, right] = [await one.client.documents.get('plan'), await two.client.documents.get('plan')]
    expect({ ...left, key: 'plan' }).toEqual(right)
    expect(left.document).toMatchObject({ days: ['breakfast', 'museum', 'beach'], people: { ann: 1, bob: 2 } })
    expect(left.conflicts.map(({ path }) => path)).toEqual(['/title'])
    const shown = await runProgram(['doc', 'get', 'plan', '--data', two.data])
    expect(JSON.parse(shown.stdout.toString())).toEqual(left.document)
    expect(shown.stderr).toContain('hearsay doc get plan --conflicts')
  })

  it('survive kill -9, and a delete that had not seen an edit', async () => {
    const [one, two] = daemons as [Daemon, Daemon]
    await one.client.documents.merge('plan', { title: 'trip' })
    await allEqual(daemons)
    const { document } = await one.client.documents.get('plan')
    await one.kill()
    await two.client.documents.delete('plan')
    expect((await runProgram(['doc', 'get', 'plan', '--data', two.data])).exit).toBe(3)
    await two.client.block(['one'])
    await one.start()
    expect((await one.client.documents.get('plan')).document).toEqual(document)
    await one.client.documents.merge('plan', { people: { cid: 1 } })
    await two.client.unblock()
    await allEqual(daemons)
    expect((await two.client.documents.get('plan')).document).toEqual({
      ...document,
      people: { ...(document.people as object), cid: 1 },
    })
  })
})
