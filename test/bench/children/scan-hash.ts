/** The yardstick of a start: one scan over the rows of a closed store with SHA-256 of each, and nothing else. */
import { hash } from 'node:crypto'
import { ClassicLevel } from 'classic-level'
import { serveTasks } from '../support/children.js'

serveTasks({
  scan: async (path: string) => {
    const startMs = performance.now()
    const database = new ClassicLevel<Buffer, Buffer>(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    await database.open()
    let rows = 0
    const iterator = database.iterator({ highWaterMarkBytes: 256 * 1024 })
    for (;;) {
      const pairs = await iterator.nextv(1_000)
      if (pairs.length === 0) break
      for (const [, value] of pairs) hash('sha256', value, 'buffer')
      rows += pairs.length
    }
    await iterator.close()
    const ms = performance.now() - startMs
    await database.close()
    return { ms, rows }
  },
})
