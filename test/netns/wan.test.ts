/**
 * Three sites far apart: every connection runs through a proxy that delays it and limits its rate. Needs neither root
 * nor tools.
 */
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { allEqual, connectedTo, type Daemon, Fleet, until } from '../e2e/daemons.js'
import { note, seedOf, timed } from '../faults/faults.js'
import { type DelayedLink, DelayingProxy } from '../support/delaying-proxy.js'
import { Random } from '../support/random.js'
import { Writes } from './writes.js'

const roundTripMs = 150
const link: DelayedLink = { roundTripMs, bytesPerSecond: 250_000 }
const names = ['berlin', 'quito', 'tokyo'] as const
const startsMax = 5

describe('three sites far apart', () => {
  let fleet: Fleet
  const proxies: DelayingProxy[] = []
  beforeEach(async () => {
    fleet = await Fleet.create()
  })
  afterEach(async () => {
    await fleet.end()
    await Promise.all(proxies.splice(0).map((proxy) => proxy.close()))
  })

  /** Starts a node that others are told to reach through a proxy; on another port when its own was taken meanwhile. */
  async function addSite(name: string): Promise<Daemon> {
    let port = 0
    const proxy = await DelayingProxy.listen(() => port, link)
    proxies.push(proxy)
    const daemon = fleet.prepare(name)
    for (let start = 1; ; start++) {
      port = await freePort()
      const local = `/ip4/127.0.0.1/tcp/${port}`
      const told = `/ip4/127.0.0.1/tcp/${proxy.port}`
      daemon.launch = { network: ['--listen', local, '--announce', told, '--mdns=false'] }
      try {
        await daemon.start()
        return daemon
      } catch (error) {
        if (start === startsMax || !String(error).includes('PORT_IN_USE')) throw error
      }
    }
  }

  it('keep every write over long links, also through connections that break', { timeout: 240_000 }, async () => {
    const sites = await Promise.all(names.map(addSite))
    const [berlin, quito, tokyo] = sites as [Daemon, Daemon, Daemon]
    const { token } = await berlin.client.invite()
    for (const site of [quito, tokyo]) await site.client.join(token)
    for (const site of sites) await connectedTo(site, 2)
    await allEqual(sites)

    await berlin.client.put('far', 'away')
    const spreadMs = await timed(() =>
      until(
        'seen in Tokyo',
        () => tokyo.client.get('far'),
        ({ value }) => value.toString() === 'away',
      ),
    )
    expect(spreadMs).toBeGreaterThan(roundTripMs / 2 - 10)

    const writes = new Writes(new Random(seedOf(33)))
    writes.imported('far', 'away')
    for (let at = 0; at < 10; at++) await writes.put(berlin, `both/${at}`)
    await allEqual(sites)
    const write = async (site: Daemon) => {
      for (let at = 0; at < 12; at++) await writes.put(site, `${site.name}/${at}`, 8_000)
      for (let at = 0; at < 5; at++) expect(await writes.delete(site, `${site.name}/${at}`)).toBe(true)
    }
    const writing = Promise.all(sites.map(write))
    for (let at = 0; at < 10; at++) expect(await writes.putOnBoth(quito, tokyo, `both/${at}`)).toBe(true)
    await writing
    for (const proxy of proxies) proxy.break('reset')
    await Promise.all(sites.map(write))
    const recoveryMs = [
      await timed(async () => {
        for (const site of sites) await connectedTo(site, 2)
        await allEqual(sites)
      }),
    ]
    for (const site of sites) await writes.expectKept(site)
    // No pair has found a way around the long links.
    expect(proxies.reduce((sum, { connections }) => sum + connections, 0)).toBeGreaterThanOrEqual(3)
    const fault = `three sites, ${roundTripMs} ms and 250 kB/s between them`
    note({ fault: `${fault}: a write arrives`, tried: 1, checked: 0, lost: 0, recoveryMs: [spreadMs] })
    note({ fault: `${fault}: connections reset`, tried: 1, checked: writes.count, lost: 0, recoveryMs })
  })
})

/** A port of the loopback interface that is free at this moment. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
