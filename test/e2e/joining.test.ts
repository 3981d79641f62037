/** `join` says "joined" once the other side has admitted this node, and else why not. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HearsayApiError } from '../../cli/failure.js'
import { decodeInvite } from '../../protocols/membership/invite.js'
import { inCi, isShort } from '../support/effort.js'
import { connectedTo, type Daemon, Fleet, until } from './daemons.js'

let fleet: Fleet
beforeEach(async () => {
  fleet = await Fleet.create()
})
afterEach(() => fleet.end())

async function refused(daemon: Daemon, token: string) {
  const error = (await daemon.client.join(token).catch((thrown: unknown) => thrown)) as HearsayApiError
  const { code, status, exit, message } = error
  return { code, status, exit, message }
}

describe('join', () => {
  it('succeeds with both sides connected: each has heard the other, and knows its name', async () => {
    const [one, two] = [await fleet.add('one'), await fleet.add('two')]
    await two.client.join((await one.client.invite()).token)
    expect((await two.client.status()).members).toMatchObject([
      { name: 'one', connected: true, lastSeen: expect.any(String) },
    ])
    expect((await one.client.status()).members).toMatchObject([
      { name: 'two', connected: true, lastSeen: expect.any(String) },
    ])
    // Again: nothing changes.
    await two.client.join((await one.client.invite()).token)
    expect((await two.cli(['join', (await one.client.invite()).token])).stdout.toString()).toContain('joined')
  })

  it('and an invitation wait for the network of a node that serves clients already', async () => {
    const [one, two] = [fleet.prepare('one'), fleet.prepare('two')]
    const starts = [one.start(), two.start()]
    // Both ask as soon as the API answers, which is before libp2p is loaded.
    await until(
      'both answer',
      () => Promise.all([one.client.status(), two.client.status()]),
      () => true,
    )
    const { token } = await one.client.invite()
    expect(decodeInvite(token).addresses).not.toEqual([])
    await two.client.join(token)
    await Promise.all(starts)
    await connectedTo(one, 1)
  })

  it('by its own invitation is refused', async () => {
    const one = await fleet.add('one')
    const answer = await refused(one, (await one.client.invite()).token)
    expect(answer).toMatchObject({ code: 'OWN_INVITATION', status: 400, exit: 2 })
    expect(answer.message).toContain('on the machine that is to join')
    const ran = await one.cli(['join', (await one.client.invite()).token])
    expect([ran.exit, ran.stdout.toString()]).toEqual([2, ''])
  })

  it('of a node that was forgotten is refused, whether it knows of that or not', { timeout: 120_000 }, async () => {
    const [one, told, away] = (await fleet.mesh(['one', 'told', 'away'])) as [Daemon, Daemon, Daemon]
    await away.stop()
    await one.client.forget('away')
    await one.client.forget('told')
    await until(
      'both gone',
      () => one.client.status(),
      ({ members }) => members.length === 0,
    )
    const { token } = await one.client.invite()
    for (const daemon of [told, away]) {
      if (daemon === away) {
        await told.stop()
        await daemon.start()
      }
      const answer = await refused(daemon, token)
      expect(['FORGOTTEN', 'NOT_ADMITTED']).toContain(answer.code)
      expect(answer).toMatchObject({ status: answer.code === 'FORGOTTEN' ? 403 : 502, exit: 1 })
      expect(answer.message).toContain('new data directory')
    }
    expect((await one.client.status()).members).toEqual([])
  })

  it.skipIf(isShort)(
    `of a node that is cut off after the handshake is refused, until it is not${inCi}`,
    {
      timeout: 120_000,
    },
    async () => {
      const [one, two] = [await fleet.add('one'), await fleet.add('two')]
      const { token } = await one.client.invite()
      await two.client.join(token)
      await one.client.block(['two'])
      await connectedTo(two, 0)
      const answer = await refused(two, token)
      expect(answer).toMatchObject({ code: 'NOT_ADMITTED', status: 502, exit: 1 })
      expect(answer.message).toContain('block')
      await one.client.unblock()
      await two.client.join(token)
      await two.client.block(['one'])
      expect(await refused(two, token)).toMatchObject({ code: 'NOT_ADMITTED', exit: 1 })
      await two.client.unblock()
      await one.stop()
      expect(await refused(two, token)).toMatchObject({ code: 'UNREACHABLE', status: 502, exit: 1 })
    },
  )
})
