/** Discovery on the local network; skipped where the machine cannot send multicast. */
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { afterEach, expect, test } from 'vitest'
import { connected, TestNodes, untilTrue } from './net-nodes.js'

const group = '224.0.0.251'
const nodes = new TestNodes()

afterEach(() => nodes.stop())

/** True if a datagram to the mDNS group comes back to this machine. */
async function canMulticast(): Promise<boolean> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  try {
    return await new Promise<boolean>((resolve) => {
      socket.on('error', () => resolve(false))
      socket.on('message', () => resolve(true))
      socket.bind(0, () => {
        try {
          socket.addMembership(group)
          socket.send('probe', socket.address().port, group, (error) => {
            if (error !== null) resolve(false)
          })
        } catch {
          resolve(false)
        }
      })
      setTimeout(() => resolve(false), 1_000)
    })
  } finally {
    socket.close()
  }
}

const works = await canMulticast()
const reason = works ? '' : ' (skipped: this machine cannot send multicast)'

test.skipIf(!works)(`nodes of one mesh find each other by multicast, others do not${reason}`, async () => {
  const first = await nodes.start({ mdns: true })
  const foreign = await nodes.start({ mdns: true, secret: randomBytes(32) })
  const second = await nodes.start({ mdns: true })
  await connected(first, second)
  await untilTrue(() => first.network.connections().length === 1)
  expect(foreign.network.counters.dials).toBe(0)
  expect(foreign.network.connections()).toEqual([])
})
