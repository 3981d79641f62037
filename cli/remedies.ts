/** Remedies for errors: the line below an error that says what to do next. */
import { fileRemedy } from './file-failure.js'

/** Facts about an error, apart from its code. */
export interface Circumstances {
  /** Name of the failed command; empty when there was none. */
  readonly command: string
  /** Details that the daemon added. */
  readonly details: Readonly<Record<string, unknown>>
}

type Remedy = string | ((about: Circumstances) => string | undefined)

/** The commands that take a member of the mesh, not a key. */
const memberCommands = new Set(['forget', 'block', 'unblock', 'sync', 'doctor'])

/** Command that shows what is stored at an address, for the type that the failed command works on. */
function look({ command }: Circumstances): string {
  if (command.startsWith('map')) return 'hearsay map get KEY FIELD --all'
  return command.startsWith('doc') ? 'hearsay doc get KEY --conflicts' : 'hearsay get KEY --all'
}

const settle = ({ command }: Circumstances): string =>
  command.startsWith('map') ? 'hearsay resolve KEY --field FIELD' : 'hearsay resolve KEY'

const remedies: Readonly<Record<string, Remedy>> = {
  UNAUTHORIZED: 'name its directory with --data, or set HEARSAY_TOKEN to the content of `api.token` in it',
  FORBIDDEN_ORIGIN: 'use the host name or address that the daemon listens on',
  // A key of another type: the message says how it is looked at.
  NOT_FOUND: ({ command, details: { types, nodes } }) =>
    types !== undefined || nodes !== undefined
      ? undefined
      : command.startsWith('lab')
        ? 'start one with `hearsay lab up`, or name its --dir'
        : memberCommands.has(command)
          ? 'see who is there with `hearsay members`'
          : 'see what is there with `hearsay ls`',
  CONFLICT: (about) => `look with \`${look(about)}\`; then give --context, or --all, or use \`${settle(about)}\``,
  DOCUMENT_UNREADABLE: 'read it on another node, or remove it with `hearsay doc del KEY --all`',
  EXISTS: 'leave out --if-absent to write over it',
  BASE_UNKNOWN: 'read it here with `hearsay doc get KEY --conflicts --json` and use that context',
  PATCH_FAILED: 'look with `hearsay doc get KEY`, then make the patch again',
  STALE_CONTEXT: (about) => `read again with \`${look(about)}\` and decide with the new version in view`,
  TOO_MANY_SIBLINGS: (about) => `look at them with \`${look(about)}\`, then settle them with \`${settle(about)}\``,
  BAD_CONTEXT: (about) => `take the context of \`${look(about)} --json\` of the same address, whole and unaltered`,
  BAD_CURSOR: 'take the `cursor` of an event of `hearsay watch --json`, whole and unaltered',
  CURSOR_GONE: 'read what is there now with `hearsay ls --values`, then watch from now on, or with --since 0',
  TOO_MANY_WATCHERS: 'end some watchers of this node, or watch another node',
  BAD_TOKEN: 'copy the whole line that `hearsay invite` printed on a node of the mesh',
  NOT_ENOUGH_ACKS: 'the write stays and will spread: see `hearsay where KEY`; do not repeat it without --id',
  NO_QUORUM:
    'see who is reachable with `hearsay status`; without --require-quorum or --consistency this node alone answers',
  // Most limits cannot be moved, and the message says what they are.
  TOO_LARGE: ({ details: { setting } }) =>
    typeof setting === 'string' ? `store less, or raise \`${setting}\` in the configuration` : undefined,
  FILE_FAILED: ({ details: { cause } }) => fileRemedy(cause),
  CLOCK_OFF: 'set the clock of this machine right, or write without --ttl; `hearsay peers` shows the clocks of others',
  STORE_FAILED: 'the last write may or may not be stored: read it before you repeat it',
  BAD_SCRIPT: 'docs/LAB.md lists the statements of a script',
  LAB_FAILED: 'remove what is left of the lab with `hearsay lab down`, then start it again',
  UNREACHABLE_DAEMON: ({ details: { node } }) =>
    typeof node === 'string' ? `start it with \`hearsay lab start ${node}\`` : undefined,
  TIMED_OUT: ({ command }) => (command.startsWith('lab') ? 'see what is missing with `hearsay lab status`' : undefined),
  INTERNAL: 'see the log of the daemon',
}

/** Returns what the user can do next about an error with this code; undefined when its message says all. */
export function remedyOf(code: string, about: Circumstances): string | undefined {
  const remedy = Object.hasOwn(remedies, code) ? remedies[code] : undefined
  return typeof remedy === 'function' ? remedy(about) : remedy
}
