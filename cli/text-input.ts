/**
 * Finds arguments and variables that are not UTF-8: Node gives their bad bytes as U+FFFD, so that two of them would
 * become one key.
 */

/** Character that Node puts in place of bytes that are not UTF-8; it can also be meant as itself. */
const replacement = '\ufffd'
/** The variables that are read as text: settings, and where files are. */
const isRead = (name: string): boolean =>
  name.startsWith('HEARSAY_') || ['HOME', 'XDG_DATA_HOME', 'XDG_RUNTIME_DIR'].includes(name)

/** The bytes that this process was started with, where the system shows them. */
export interface StartBytes {
  /** The whole command line, each argument followed by a NUL; undefined when it is not to be had. */
  commandLine(): Buffer | undefined
  /** The variables as `NAME=VALUE`, each followed by a NUL; undefined when they are not to be had. */
  variables(): Buffer | undefined
}

/** Start bytes of this process: Linux shows them below /proc, other systems do not. */
export const startBytes: StartBytes = {
  commandLine: () => readIfThere('/proc/self/cmdline'),
  variables: () => readIfThere('/proc/self/environ'),
}

/**
 * Finds arguments or variables that are not text; undefined when there are none. A U+FFFD is accepted where the system
 * shows that its own bytes were given; where that cannot be seen it is refused, since it may stand for any bytes.
 * @param argv the arguments behind the program's name
 */
export function badText(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
  bytes: StartBytes,
): string | undefined {
  return badArgument(argv, bytes) ?? badVariable(environment, bytes)
}

function badArgument(argv: readonly string[], bytes: StartBytes): string | undefined {
  if (!argv.some((argument) => argument.includes(replacement))) return undefined
  const given = parts(bytes.commandLine()).slice(-argv.length)
  const at = argv.findIndex((argument, index) => argument.includes(replacement) && !isSame(given[index], argument))
  if (at === -1) return undefined
  return `${nameOf(given[at], `argument ${at + 1}`, argv[at]!)}. Give a value by --file FILE, or by - on stdin; other text has to be UTF-8 (printf %s TEXT | iconv -f latin1 -t utf-8 converts it)`
}

function badVariable(environment: NodeJS.ProcessEnv, bytes: StartBytes): string | undefined {
  const suspects = Object.entries(environment).filter(
    ([name, value]) => isRead(name) && `${name}${value}`.includes(replacement),
  )
  if (suspects.length === 0) return undefined
  const given = parts(bytes.variables())
  const bad = suspects.find(([name, value]) => !given.some((part) => isSame(part, `${name}=${value}`)))
  if (bad === undefined) return undefined
  return `${nameOf(given.at(-1), `the variable ${bad[0]}`, bad[1]!)}. Set it to UTF-8 text, or unset it`
}

/** True if the bytes are those of this text in UTF-8; not when there are none. */
function isSame(bytes: Buffer | undefined, text: string): boolean {
  return bytes?.equals(Buffer.from(text)) === true
}

/** `seen`: bytes that the system has shown; undefined when it shows none. */
function nameOf(seen: Buffer | undefined, what: string, text: string): string {
  return seen === undefined
    ? `${what} '${text}' holds U+FFFD, which may stand for bytes that are not UTF-8: this system does not tell`
    : `${what} '${text}' is not UTF-8`
}

function parts(block: Buffer | undefined): Buffer[] {
  if (block === undefined) return []
  const found: Buffer[] = []
  let start = 0
  for (let end = block.indexOf(0); end !== -1; end = block.indexOf(0, start)) {
    found.push(block.subarray(start, end))
    start = end + 1
  }
  return found
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return process.getBuiltinModule('node:fs').readFileSync(path)
  } catch {
    return undefined
  }
}
