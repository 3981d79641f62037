/** Opens an address with a secret in the browser of the desktop. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Opens an address through a private file that sends the browser on to it: what stands in the arguments of a program
 * can be read by every user of a machine. The file stays; its secret is worthless once the browser has been there.
 * Returns whether a browser was started.
 */
export async function openInBrowser(url: string, environment: NodeJS.ProcessEnv): Promise<boolean> {
  const folder = await mkdtemp(join(environment.XDG_RUNTIME_DIR ?? tmpdir(), 'hearsay-dashboard-'))
  const file = join(folder, 'open.html')
  await writeFile(file, pageTo(url), { mode: 0o600, flag: 'wx' })
  const isOpened = await started(pathToFileURL(file).href, environment)
  if (!isOpened) await rm(folder, { recursive: true, force: true })
  return isOpened
}

/** A page that goes to an address of ours, in which nothing needs escaping but `&`. */
function pageTo(url: string): string {
  const address = url.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
  return `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url=${address}">`
}

function started(address: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const opener = process.platform === 'darwin' ? 'open' : 'xdg-open'
  return new Promise((resolve) => {
    const child = spawn(opener, [address], { env, stdio: 'ignore', detached: true })
    child.once('error', () => resolve(false))
    child.once('exit', (code) => resolve(code === 0))
  })
}
