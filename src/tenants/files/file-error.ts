import { HttpError } from '../http-error.ts'

/** The answer for a path that the caller may not name; it does not tell what is there. */
export function outsideRoot(): HttpError {
  return new HttpError(400, 'path outside root workspace')
}

export function notFound(asked: string): HttpError {
  return new HttpError(404, `not found: ${asked}`)
}

export function linkRefused(path: string): HttpError {
  return new HttpError(400, `symlinks are not followed: ${path}`)
}

/**
 * Returns the answer for a failed system call; null for one that is our own fault. `path` is named as the
 * caller asked for it, and the system's text, which has paths of ours, is left out.
 */
export function fileErrorOf(code: string | undefined, path: string): HttpError | null {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new HttpError(507, `disk full: ${path} is not stored`)
    case 'EFBIG':
      return new HttpError(413, `file too large for this filesystem: ${path}`)
    case 'EACCES':
    case 'EPERM':
      return new HttpError(403, `permission denied: ${path}`)
    case 'EROFS':
      return new HttpError(403, `read-only filesystem: ${path}`)
    case 'ENAMETOOLONG':
      return new HttpError(400, `name too long: ${path}`)
    case 'EILSEQ':
    case 'EINVAL':
      return new HttpError(400, `name refused by the filesystem: ${path}`)
    case 'EAGAIN':
      return new HttpError(503, `another program holds ${path}, retry later`, {
        headers: { 'retry-after': '1' },
      })
    case 'EMFILE':
    case 'ENFILE':
      return new HttpError(503, 'too many open files, retry later', {
        headers: { 'retry-after': '1' },
      })
    default:
      return null
  }
}
