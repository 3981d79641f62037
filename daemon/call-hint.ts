/** Words that call the command line for a daemon, as typed by the person who has started it. */
import { delimiter, join, resolve } from 'node:path'

/** Circumstances of a daemon's start on which those words depend. */
export interface Start {
  /** The file of the command line that belongs to this daemon. */
  readonly entry: string
  /** The package that it belongs to. */
  readonly root: string
  readonly environment: NodeJS.ProcessEnv
  readonly workingDirectory: string
  /** The data directory. */
  readonly data: string
  /** True if a command without flags finds the data directory. */
  readonly isDefaultData: boolean
  /** The real path of a file; undefined when there is none. */
  realPath(path: string): string | undefined
}

/**
 * The words before a command: `hearsay` where the shell finds it, `npx hearsay` in the package itself, else the path of
 * the file, each with `--data` where it is needed.
 */
export function callHint(start: Start): { readonly program: string; readonly flags: string } {
  const { data, environment } = start
  const needsData = !start.isDefaultData || Boolean(environment.HEARSAY_API)
  return { program: programOf(start), flags: needsData ? ` --data ${wordOfShell(data)}` : '' }
}

function programOf({ entry, root, environment, workingDirectory, realPath }: Start): string {
  const own = realPath(entry)
  // npm starts a script in its package, wherever it was called, and puts the commands of packages on the script's PATH
  // alone.
  const calledIn = environment.INIT_CWD
  const folders = (environment.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '' && (calledIn === undefined || !/node_modules\/\.bin\/?$/.test(folder)))
  if (own !== undefined && folders.some((folder) => realPath(join(folder, 'hearsay')) === own)) return 'hearsay'
  const standsIn = resolve(calledIn ?? workingDirectory)
  const isInPackage = standsIn === root || standsIn.startsWith(`${root}/`)
  const linked = realPath(join(root, 'node_modules', '.bin', 'hearsay'))
  return isInPackage && linked !== undefined && linked === own ? 'npx hearsay' : wordOfShell(own ?? entry)
}

/** Text as one word of a shell's line. */
export function wordOfShell(text: string): string {
  return /^[\w@%+=:,./][\w@%+=:,./-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
