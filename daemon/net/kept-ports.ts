/**
 * The ports that this node was given where it may listen on any (`tcp/0`): a small file in the data directory. Members
 * that were all restarted at once look for each other where they were.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writePrivateFile } from '../private-files.js'

const fileName = 'listening.json'

/** The addresses as they were bound when last saved; none when nothing is known. */
export async function readBound(dataDirectory: string): Promise<readonly string[]> {
  try {
    const bound: unknown = JSON.parse(await readFile(join(dataDirectory, fileName), 'utf8'))
    return Array.isArray(bound) ? bound.filter((address) => typeof address === 'string') : []
  } catch {
    // Other members find this one sooner at its earlier port; without it any port will do.
    return []
  }
}

/** Remembers the addresses as they are bound now, unless `known` are the same; on the disk when this resolves. */
export async function keepBound(
  dataDirectory: string,
  bound: readonly string[],
  known: readonly string[],
): Promise<void> {
  if (bound.join() === known.join()) return
  await writePrivateFile(join(dataDirectory, fileName), `${JSON.stringify(bound, null, 2)}\n`, 'replace')
}

/**
 * The addresses to listen on, with earlier ports where any will do; `listen` itself when `bound` are not those of the
 * same addresses.
 */
export function withKeptPorts(listen: readonly string[], bound: readonly string[]): readonly string[] {
  const isSame = (address: string, at: number) => address === bound[at] || address === anyPort(bound[at])
  return listen.length === bound.length && listen.every(isSame) ? bound : listen
}

function anyPort(address: string | undefined): string | undefined {
  return address?.replace(/\/tcp\/\d+$/, '/tcp/0')
}
