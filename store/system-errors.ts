/** Errors of the operating system: their codes, however they are wrapped, and what helps against each. */

import { HearsayError } from './errors.js'

/** Text and remedy of one code, for the person who runs the daemon. */
interface SystemError {
  /** The text of the C library, which LevelDB passes on in place of the code. */
  readonly text: string
  readonly remedy: string
}

const makeSpace = 'free space there'
const otherUser = 'give these files and folders to the user that the daemon runs as'
const failingDisk = 'the disk itself is failing: check the kernel log, and move the data directory to another disk'

/** The codes that files and folders fail with. */
const systemErrors: Readonly<Record<string, SystemError>> = {
  ENOSPC: { text: 'No space left on device', remedy: `the disk is full: ${makeSpace}` },
  EDQUOT: { text: 'Disk quota exceeded', remedy: `the quota of this user is used up: raise it, or ${makeSpace}` },
  EFBIG: { text: 'File too large', remedy: 'a file may not grow any more: raise the limit of file sizes (ulimit -f)' },
  EIO: { text: 'Input/output error', remedy: failingDisk },
  ENXIO: { text: 'No such device or address', remedy: failingDisk },
  ESTALE: { text: 'Stale file handle', remedy: 'the network disk has lost the files: mount it again' },
  EROFS: {
    text: 'Read-only file system',
    remedy: 'the file system is read-only, perhaps after disk errors: check the kernel log, and mount it writable',
  },
  EMFILE: {
    text: 'Too many open files',
    remedy: 'the process may open no more files: raise its limit (ulimit -n, LimitNOFILE) to 1024 at least',
  },
  ENFILE: { text: 'Too many open files in system', remedy: 'the machine may open no more files: raise fs.file-max' },
  EACCES: { text: 'Permission denied', remedy: otherUser },
  EPERM: { text: 'Operation not permitted', remedy: otherUser },
  ENOENT: {
    text: 'No such file or directory',
    remedy: 'something has removed it: put it back, or start with an empty data directory',
  },
  ENOTDIR: { text: 'Not a directory', remedy: 'a file stands where a folder belongs: move it away' },
  EISDIR: { text: 'Is a directory', remedy: 'a folder stands where a file belongs: move it away' },
  ELOOP: {
    text: 'Too many levels of symbolic links',
    remedy: 'its symbolic links form a loop: correct them',
  },
  ENAMETOOLONG: { text: 'File name too long', remedy: 'choose a shorter path' },
  ENOMEM: { text: 'Cannot allocate memory', remedy: 'the machine is out of memory: stop something else' },
}

const causesMax = 8

/**
 * The code of the operating system (`ENOSPC`, `EIO` …) behind an error, in the error itself, in what caused it, or as
 * the text that LevelDB passes on. Undefined when it was not the system that failed.
 */
export function systemCodeOf(error: unknown): string | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < causesMax; cause = cause.cause, depth++) {
    const { code, errno, syscall } = cause as NodeJS.ErrnoException
    if (typeof code === 'string' && (code in systemErrors || (errno !== undefined && syscall !== undefined)))
      return code
    const { message } = cause
    // "IO error: /path/000005.log: No space left on device": the text is the end, so that no path is taken for one.
    const known = Object.entries(systemErrors).find(([, { text }]) => message.endsWith(`: ${text}`))
    if (known !== undefined) return known[0]
  }
  return undefined
}

/** Remedy for a code of the operating system; undefined for one that has nothing to do with files. */
export function systemRemedy(code: string): string | undefined {
  return Object.hasOwn(systemErrors, code) ? systemErrors[code]!.remedy : undefined
}

/**
 * The error as a user may see it, where a file, a folder or a descriptor was refused by the system: SYSTEM_FAILED with
 * the code as `system`, and the remedy. Undefined for an error of another kind.
 */
export function systemFailure(error: unknown): HearsayError | undefined {
  const system = systemCodeOf(error)
  if (system === undefined) return undefined
  const { message, path, syscall } = error as NodeJS.ErrnoException
  const remedy =
    syscall === 'uv_cwd'
      ? 'the current directory has been removed: change to one that exists, or name absolute paths'
      : systemRemedy(system)
  if (remedy === undefined) return undefined
  const details = { system, ...(path !== undefined && { path }) }
  return new HearsayError('SYSTEM_FAILED', `${message}; ${remedy}`, details, { cause: error })
}
