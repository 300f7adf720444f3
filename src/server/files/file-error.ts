/** An answer of the files API that is not a success: the status, and the text of `{"detail": …}`. */
export class FileError extends Error {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail)
    this.name = 'FileError'
    this.status = status
    this.headers = headers
  }
}

/** The answer for a path that the caller may not name; it does not tell what is there. */
export function outsideRoot(): FileError {
  return new FileError(400, 'path outside root workspace')
}

export function notFound(asked: string): FileError {
  return new FileError(404, `not found: ${asked}`)
}

export function linkRefused(path: string): FileError {
  return new FileError(400, `symlinks are not followed: ${path}`)
}

/**
 * Returns the answer for a failed system call; null for one that is our own fault. `path` is named as the
 * caller asked for it, and the system's text, which has paths of ours, is left out.
 */
export function fileErrorOf(code: string | undefined, path: string): FileError | null {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new FileError(507, `disk full: ${path} is not stored`)
    case 'EFBIG':
      return new FileError(413, `file too large for this filesystem: ${path}`)
    case 'EACCES':
    case 'EPERM':
      return new FileError(403, `permission denied: ${path}`)
    case 'EROFS':
      return new FileError(403, `read-only filesystem: ${path}`)
    case 'ENAMETOOLONG':
      return new FileError(400, `name too long: ${path}`)
    case 'EILSEQ':
    case 'EINVAL':
      return new FileError(400, `name refused by the filesystem: ${path}`)
    case 'EMFILE':
    case 'ENFILE':
      return new FileError(503, 'too many open files, retry later', { 'retry-after': '1' })
    default:
      return null
  }
}
