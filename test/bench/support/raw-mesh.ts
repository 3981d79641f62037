/** Raw libp2p nodes in processes of their own, all connected to each other. */
import { randomBytes } from 'node:crypto'
import { Child } from './children.js'

/** Starts so many, whose gossip reaches each other. */
export async function rawMesh(count: number): Promise<Child[]> {
  const secret = randomBytes(32).toString('hex')
  const nodes: Child[] = []
  const addresses: string[] = []
  for (let at = 0; at < count; at++) {
    const node = new Child('raw-node')
    const address = await node.ask<string>('start', secret)
    for (const other of addresses) await node.ask('dial', other)
    nodes.push(node)
    addresses.push(address)
  }
  await Promise.all(nodes.map((node) => node.ask('meshed', count - 1)))
  return nodes
}

/** Ends them. */
export async function endMesh(nodes: readonly Child[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.stop()))
}
