/** The bare server that the API is measured against, in a process of its own. */
import { join } from 'node:path'
import { Child } from './children.js'
import { temporaryFolder } from './pairs.js'

/** A bare server on a Unix socket. */
export class BareServer {
  readonly socketPath: string
  readonly folder: string
  readonly child: Child
  readonly #remove: () => void

  private constructor(child: Child, folder: { readonly path: string; remove(): void }) {
    this.child = child
    this.folder = folder.path
    this.socketPath = join(folder.path, 'bare.sock')
    this.#remove = () => folder.remove()
  }

  /** Starts one. */
  static async start(): Promise<BareServer> {
    const server = new BareServer(new Child('map-server'), temporaryFolder())
    await server.child.ask('listen', server.socketPath)
    return server
  }

  /** Ends it. */
  async stop(): Promise<void> {
    await this.child.stop()
    this.#remove()
  }
}
