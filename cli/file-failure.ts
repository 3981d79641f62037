/** Files, and the streams of the command line, that cannot be read or written: what the system said, in words. */
import { HearsayApiError } from './failure.js'

/** The system's codes in words, with what to do about them. */
const causes: Readonly<Record<string, readonly [says: string, remedy: string | undefined]>> = {
  ENOENT: ['no such file or folder', 'check the name'],
  ENOTDIR: ['a part of the path is not a folder', 'check the name'],
  EISDIR: ['it is a folder', 'name a file'],
  ELOOP: ['its symbolic links form a loop', 'name the file itself'],
  ENAMETOOLONG: ['its name is too long', 'use a shorter one'],
  EACCES: ['permission denied', 'change its mode or owner, or run this as another user'],
  EPERM: ['permission denied', 'change its mode or owner, or run this as another user'],
  ENOSPC: ['the disk is full', 'free some space, then try again'],
  EDQUOT: ["this user's quota is used up", 'free some space, then try again'],
  EFBIG: ['the file would be too large', 'write to another file system, or raise the limit (`ulimit -f`)'],
  EROFS: ['the file system is read-only', 'write to another one'],
  EIO: ['the disk failed', 'check the system log (`dmesg`)'],
  EMFILE: ['this process has too many open files', 'raise the limit (`ulimit -n`)'],
  ENFILE: ['the system has too many open files', 'close some programs'],
}

/**
 * The error for a file that could not be read or written.
 * @param error what the system said
 */
export function fileFailure(verb: 'read' | 'write' | 'make', path: string, error: unknown): HearsayApiError {
  const { code = '', message } = error as NodeJS.ErrnoException
  const [says] = causes[code] ?? [message]
  const details = code === '' ? { path } : { path, cause: code }
  return new HearsayApiError('FILE_FAILED', 0, `cannot ${verb} ${path}: ${says}`, details, { cause: error })
}

/** Remedy for a FILE_FAILED with this cause; undefined when none is known. */
export function fileRemedy(cause: unknown): string | undefined {
  return typeof cause === 'string' ? causes[cause]?.[1] : undefined
}
