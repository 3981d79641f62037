/** The token of the API over TCP: a small file in the data directory, readable by its owner alone. */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readPrivateFile, writePrivateFile } from '../../private-files.js'

const tokenBytes = 32

/** The token of a data directory, in `api.token`; made at the first start. */
export async function loadApiToken(dataDirectory: string): Promise<string> {
  const path = join(dataDirectory, 'api.token')
  for (;;) {
    const token = (await readPrivateFile(path))?.trim()
    if (token !== undefined && token.length >= tokenBytes) return token
    if (token !== undefined) await rm(path, { force: true })
    await writePrivateFile(path, `${randomBytes(tokenBytes).toString('base64url')}\n`, 'create')
  }
}
