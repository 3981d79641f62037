/** Export: every entry with all its versions, one JSON line each, in bounded memory. */
import { isUtf8 } from 'node:buffer'
import { dataTypeOf } from '../../../protocols/api/data-types.js'
import type { Content } from '../../../store/data/contents.js'
import type { ShownVersion } from '../../../store/data/types.js'
import { exportedType } from '../../../store/model/types.js'
import type { Contents } from '../../views/data-view.js'
import type { Mesh } from '../../views/mesh-view.js'
import { asBuffer, encodeValue } from '../../views/value-json.js'
import { exportChunkBytes } from '../limits.js'
import { versionJson } from '../render.js'

/** The lines of all keys below a prefix, in key order, gathered into chunks. Stops reading when the receiver stops. */
export async function* exportLines(
  contents: Pick<Contents, 'entries'>,
  mesh: Mesh,
  prefix: string,
): AsyncGenerator<Buffer> {
  let gathered: string[] = []
  let characters = 0
  for await (const entries of contents.entries(prefix)) {
    for (const content of entries) {
      const line = `${JSON.stringify(lineOf(content, mesh))}\n`
      gathered.push(line)
      characters += line.length
      if (characters < exportChunkBytes) continue
      yield Buffer.from(gathered.join(''))
      gathered = []
      characters = 0
    }
  }
  if (gathered.length > 0) yield Buffer.from(gathered.join(''))
}

/** A damaged value becomes a line that says so: the rest can still be saved, and the reader notices. */
function lineOf(content: Content, mesh: Mesh): object {
  const { address } = content
  const named = { key: address.key, type: exportedType(address.type), ...partOf(content) }
  switch (content.kind) {
    case 'counter':
      return {
        ...named,
        value: Number.isSafeInteger(Number(content.value)) ? Number(content.value) : `${content.value}`,
      }
    case 'damaged':
      return { ...named, error: { code: content.error.code, message: content.error.message } }
    case 'document':
      return {
        ...named,
        ...(content.document === undefined ? {} : { document: content.document }),
        versions: content.versions.map((version) => exportedVersion(version, mesh)),
      }
    case 'opaque':
    case 'versions':
      return { ...named, versions: content.versions.map((version) => exportedVersion(version, mesh)) }
  }
}

/** The field of a map, the member of a set; those that are not UTF-8 with their encoding. */
function partOf({ address: { type, field } }: Content): object {
  const known = dataTypeOf(type)
  const part = known === undefined && field.length > 0 ? 'field' : (known?.part ?? null)
  return part === null ? {} : { [part]: isUtf8(field) ? asBuffer(field).toString() : encodeValue(field) }
}

function exportedVersion(version: ShownVersion, mesh: Mesh): object {
  const { expires, ...rest } = versionJson(version, mesh)
  return expires === null ? rest : { ...rest, expires }
}
