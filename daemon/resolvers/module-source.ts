/** Reads an application's module. */
import { isUtf8 } from 'node:buffer'
import { readFile, stat } from 'node:fs/promises'
import { moduleBytesMax } from './limits.js'

/** The text of a module; or why there is none. Never rejects. */
export async function readModule(path: string): Promise<string | { readonly reason: string }> {
  try {
    const { size, isFile } = await statOf(path)
    if (!isFile) return { reason: 'it is not a file' }
    if (size > moduleBytesMax) return { reason: `it has ${size} bytes, more than ${moduleBytesMax}` }
    const bytes = await readFile(path)
    return isUtf8(bytes) ? bytes.toString() : { reason: 'it is not UTF-8' }
  } catch (error) {
    return { reason: `it cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})` }
  }
}

async function statOf(path: string): Promise<{ size: number; isFile: boolean }> {
  const stats = await stat(path)
  return { size: stats.size, isFile: stats.isFile() }
}
