import type { BigIntStats } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { HttpError } from '../http-error.ts'

/**
 * Returns a strong ETag. The time of the last change of content or inode is the kernel's: unlike the
 * modification time, the agent cannot set it back.
 */
export function etagOf({ ino, size, ctimeNs }: BigIntStats): string {
  return `"${ino.toString(36)}-${size.toString(36)}-${ctimeNs.toString(36)}"`
}

/** Throws 412 unless a write may go on. `etag` is null when there is no file. */
export function checkWrite(headers: IncomingHttpHeaders, etag: string | null): void {
  const match = headers['if-match']
  const noneMatch = headers['if-none-match']
  if (match !== undefined && !lists(match, etag, { weak: false })) {
    throw new HttpError(412, 'precondition failed: If-Match')
  }
  if (noneMatch !== undefined && lists(noneMatch, etag, { weak: true })) {
    throw new HttpError(412, 'precondition failed: If-None-Match')
  }
}

/** Returns whether a read answers 304; throws 412 for another file than the one asked for. */
export function isNotModified(headers: IncomingHttpHeaders, etag: string): boolean {
  const match = headers['if-match']
  if (match !== undefined && !lists(match, etag, { weak: false })) {
    throw new HttpError(412, 'precondition failed: If-Match')
  }
  const noneMatch = headers['if-none-match']
  return noneMatch !== undefined && lists(noneMatch, etag, { weak: true })
}

/** Returns whether a Range still refers to this file. A date is too coarse to tell: the whole file is sent. */
export function isSameForRange(headers: IncomingHttpHeaders, etag: string): boolean {
  const condition = headers['if-range']
  return condition === undefined || condition === etag
}

function lists(header: string, etag: string | null, { weak }: { weak: boolean }): boolean {
  if (etag === null) return false
  if (header.trim() === '*') return true
  return header
    .split(',')
    .map(tag => (weak ? tag.trim().replace(/^W\//, '') : tag.trim()))
    .includes(etag)
}
