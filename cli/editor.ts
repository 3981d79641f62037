/** Lets a person edit a text in an editor, in a file that nobody else can read. */
import { HearsayApiError, UsageError } from './failure.js'
import { fileFailure } from './file-failure.js'
import type { Io } from './io.js'

/** A text after it was edited. */
export interface Edited {
  readonly bytes: Uint8Array
  readonly file: string
  /** Removes the file. */
  discard(): Promise<void>
}

/**
 * Throws UsageError when no editor is named and nobody is there to use `vi`: it would wait for ever. `instead`: how it
 * goes without one.
 */
export function assertEditable({ environment, stdinTerminal, stdoutTerminal }: Io, instead: string): void {
  if (environment.VISUAL || environment.EDITOR || (stdinTerminal && stdoutTerminal)) return
  throw new UsageError(`there is no terminal to edit on: set EDITOR to a program, or ${instead}`)
}

/**
 * Opens $VISUAL or $EDITOR, `vi` when neither is set, and waits until it ends. The file stays until `discard`.
 * Throws when the editor cannot be started or fails, and FILE_FAILED; nothing is kept then.
 */
export async function editText(io: Io, text: string, fileName: string): Promise<Edited> {
  const { mkdtemp, readFile, rm, writeFile } = process.getBuiltinModule('node:fs/promises')
  const { tmpdir } = process.getBuiltinModule('node:os')
  const { join } = process.getBuiltinModule('node:path')
  const parent = io.environment.TMPDIR || tmpdir()
  const directory = await mkdtemp(join(parent, 'hearsay-edit-')).catch((error: unknown) => {
    throw fileFailure('write', parent, error)
  })
  const discard = () => rm(directory, { recursive: true, force: true })
  const file = join(directory, fileName)
  try {
    await writeFile(file, text, { mode: 0o600, flag: 'wx' })
    await runEditor(io, file)
    return { bytes: await readFile(file), file, discard }
  } catch (error) {
    await discard()
    throw error instanceof HearsayApiError || error instanceof UsageError ? error : fileFailure('write', file, error)
  }
}

/** The setting is a command line of its own, as with git: `code --wait`. */
function runEditor({ environment }: Io, file: string): Promise<void> {
  const editor = environment.VISUAL || environment.EDITOR || 'vi'
  const { spawn } = process.getBuiltinModule('node:child_process')
  return new Promise((resolve, reject) => {
    const running = spawn('sh', ['-c', `${editor} "$1"`, 'hearsay', file], { stdio: 'inherit', env: environment })
    running.on('error', (error) => reject(new UsageError(`cannot start '${editor}': set EDITOR`, { cause: error })))
    running.on('exit', (code) => {
      if (code === 0) resolve()
      else reject(new HearsayApiError('EDITOR_FAILED', 0, `'${editor}' ended with ${code}; nothing was stored`))
    })
  })
}
