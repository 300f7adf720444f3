import { bytesOfName } from '../../files/byte-names.ts'
import { HttpError } from '../http-error.ts'
import { outsideRoot } from './file-error.ts'

/** What a request names, below the folder of its tenant. */
export type Target = {
  /** The path as the caller asked for it, decoded; `` for the root. */
  asked: string
  /** Names of entries, outermost first: never empty, `.` or `..`. Empty for the root. */
  parts: readonly string[]
  /** The parts with slashes between them. */
  relative: string
  /** The path as an answer names it, such as `/workspaces/p/a.txt`. */
  absolute: string
}

/** The caller's folder as an answer and the worker name it. */
const publicRoot = '/workspaces'

/** Linux takes no longer path in one call, so that no other program could reach such a file. */
const mostBytes = 4096

/**
 * Returns what a decoded path names. `..` is resolved in the text and never leads above the root
 * (threat M2).
 */
export function targetOf(asked: string): Target {
  if (bytesOfName(asked).length > mostBytes) throw new HttpError(400, 'path too long')
  if (asked.includes('\0')) throw new HttpError(400, 'path with a NUL byte')
  const parts: string[] = []
  for (const part of asked.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) throw outsideRoot()
  }
  const relative = parts.join('/')
  return { asked, parts, relative, absolute: relative ? `${publicRoot}/${relative}` : publicRoot }
}
