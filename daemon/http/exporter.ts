/** Export: every key with all its versions, one JSON line each, in bounded memory. */
import { HearsayError } from '../../store/errors.js'
import type { ListItem, Mesh, Registers } from '../services.js'
import { exportChunkBytes, exportPageKeys } from './limits.js'
import { versionJson } from './render.js'

/** The lines of all keys below a prefix, in key order, gathered into chunks. Stops reading when the receiver stops. */
export async function* exportLines(registers: Registers, mesh: Mesh, prefix: string): AsyncGenerator<Buffer> {
  let gathered: string[] = []
  let characters = 0
  for (let after: string | undefined; ; ) {
    const page = await registers.list({ prefix, after, limit: exportPageKeys, values: false })
    for (const item of page.items) {
      const line = exportLine(item, registers, mesh)
      if (line === undefined) continue
      gathered.push(line)
      characters += line.length
      if (characters < exportChunkBytes) continue
      yield Buffer.from(gathered.join(''))
      gathered = []
      characters = 0
    }
    if (page.next === null) break
    after = page.next
  }
  if (gathered.length > 0) yield Buffer.from(gathered.join(''))
}

/** A damaged value becomes a line that says so: the rest can still be saved, and the reader notices. */
function exportLine(item: ListItem, registers: Registers, mesh: Mesh): string | undefined {
  const { key } = item
  try {
    const shown = registers.get(key)
    if (shown === undefined) return undefined
    const versions = shown.versions.map((version) => {
      const { expires, ...rest } = versionJson(version, mesh)
      return expires === null ? rest : { ...rest, expires }
    })
    return `${JSON.stringify({ key, type: 'reg', versions })}\n`
  } catch (error) {
    if (!(error instanceof HearsayError)) throw error
    return `${JSON.stringify({ key, type: 'reg', error: { code: error.code, message: error.message } })}\n`
  }
}
