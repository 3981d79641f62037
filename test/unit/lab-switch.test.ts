/** The switch of a lab over real sockets: carries, cuts, holds, and slows down. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { heldBytesMax } from '../../cli/lab/limits.js'
import { type Links, openLinks } from '../../cli/lab/links.js'
import { Switch } from '../../cli/lab/switch.js'
import { Wire } from '../../cli/lab/wire.js'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const cut: Links = { ...openLinks, groups: [['ann'], ['bob']] }

/** A node `bob` that echoes what it gets, and a switch before it. */
async function start(links: Links = openLinks) {
  const state = { links }
  const accepted: Socket[] = []
  const bob: Server = createServer((socket) => {
    accepted.push(socket)
    socket.on('error', () => {}).pipe(socket)
  })
  await once(bob.listen(0, '127.0.0.1'), 'listening')
  const { port } = bob.address() as AddressInfo
  const made = await Switch.listen({ links: () => state.links, nodeAt: (at) => (at === port ? 'bob' : undefined) })
  ends.push(
    () => made.close(),
    () => void bob.close(),
    () => {
      for (const socket of accepted) socket.destroy()
    },
  )
  const set = (next: Links) => {
    state.links = next
    made.reload()
  }
  return { made, port, accepted, set, dial: (line = `dial ann ${port}\n`) => dialled(made.port, line) }
}

/** Resolves at the end of a socket, whatever ends it. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()))
}

/** A connection to the switch, and what came back. */
function dialled(port: number, line: string) {
  const socket = connect(port, '127.0.0.1')
  ends.push(() => void socket.destroy())
  const got = { text: '', isClosed: false }
  socket
    .on('error', () => {})
    .on('data', (bytes) => {
      got.text += bytes.toString()
    })
  const closed = closeOf(socket).then(() => {
    got.isClosed = true
  })
  socket.write(line)
  return { socket, got, closed, until: (text: string) => expect.poll(() => got.text).toBe(text) }
}

describe('the switch', () => {
  test('carries both directions, also what came with the first line', async () => {
    const { made, port, dial } = await start()
    const { socket, until } = dial(`dial ann ${port}\nhello`)
    await until('hello')
    socket.write(', world')
    await until('hello, world')
    expect(made.carried).toBe(1)
  })

  test.each(['dial ann 1\n', 'hello\n', `${'x'.repeat(300)}`])('refuses %j', async (line) => {
    const { dial, accepted } = await start()
    await dial(line).closed
    expect(accepted).toEqual([])
  })

  test('a cut breaks what is open, at both ends', async () => {
    const { made, set, dial, accepted } = await start()
    const { socket, until, closed } = dial()
    socket.write('a')
    await until('a')
    const farClosed = closeOf(accepted[0]!)
    set(cut)
    await Promise.all([closed, farClosed])
    await expect.poll(() => made.carried).toBe(0)
  })

  test('a dial over a cut link is held, and goes on once it is mended', async () => {
    const { made, set, dial, accepted } = await start(cut)
    const { socket, got, until } = dial()
    socket.write('early')
    await dial('reload\n').until('done\n')
    expect(got).toEqual({ text: '', isClosed: false })
    expect(accepted).toEqual([])
    set(openLinks)
    await until('early')
    expect(made.carried).toBe(1)
  })

  test('who gives up, or sends more than a handshake, is held no longer', async () => {
    const { set, dial, accepted } = await start(cut)
    const patient = dial()
    const [hasty, greedy] = [dial(), dial()]
    hasty.socket.end()
    greedy.socket.write(Buffer.alloc(heldBytesMax + 1))
    await Promise.all([hasty.closed, greedy.closed])
    set(openLinks)
    patient.socket.write('x')
    await patient.until('x')
    expect(accepted).toHaveLength(1)
  })

  test('reads the links again when it is asked', async () => {
    const { dial } = await start()
    await dial('reload\n').until('done\n')
  })
})

describe('a wire', () => {
  const wireOf = (slowness: object, random = 0.5) => {
    const clock = { ms: 0 }
    return { clock, wire: new Wire({ slowness: () => slowness, random: () => random, nowMs: () => clock.ms }) }
  }

  test('delays', () => {
    const { wire, clock } = wireOf({ delayMs: 100 })
    expect(wire.arrivalMs(10)).toBe(100)
    clock.ms = 50
    expect(wire.arrivalMs(10)).toBe(150)
  })

  test('has a rate, which later bytes wait for', () => {
    const { wire } = wireOf({ bytesPerSecond: 1000 })
    expect(wire.arrivalMs(500)).toBe(500)
    expect(wire.arrivalMs(500)).toBe(1000)
  })

  test('sends what is lost again, and keeps the order', () => {
    const lossy = wireOf({ lossPercent: 50 }, 0.4)
    const lostMs = lossy.wire.arrivalMs(10)
    expect(lostMs).toBeGreaterThanOrEqual(200)
    const slowness: { lossPercent?: number } = { lossPercent: 50 }
    const changing = wireOf(slowness, 0.4)
    const firstMs = changing.wire.arrivalMs(10)
    delete slowness.lossPercent
    expect(changing.wire.arrivalMs(10)).toBe(firstMs)
  })

  test('is as fast as the machine otherwise', () => {
    expect(wireOf({}).wire.arrivalMs(1e9)).toBe(0)
  })
})
