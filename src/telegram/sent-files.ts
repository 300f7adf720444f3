import type { HeldFile } from '../files/held-file.ts'
import { openEntry } from '../tenants/files/entry.ts'
import { targetOf } from '../tenants/files/target.ts'
import { HttpError } from '../tenants/http-error.ts'
import { fileName } from './file-name.ts'

/** Maximum size that Telegram takes from a bot. */
export const mostSentBytes = 50 * 1024 * 1024

/** Maximum files of one answer: the model must not flood a chat. */
export const mostSentFiles = 10

/** An answer without its `[SEND_FILE: path]` marks. */
export type SplitAnswer = {
  text: string
  /** Paths as the model wrote them: hostile. Each once. */
  paths: string[]
  /** Number of paths above `mostSentFiles`. */
  omitted: number
}

/** Takes the `[SEND_FILE: path]` marks out of an answer. */
export function takeSentFiles(answer: string): SplitAnswer {
  const found = new Set<string>()
  // Bounded, and within one line: an unclosed mark stays text.
  const text = answer.replace(/\[SEND_FILE:[ \t]{0,8}([^\]\r\n]{1,4096})\]\n?/g, (mark, path) => {
    const trimmed = String(path).trim()
    if (trimmed === '') return mark
    found.add(trimmed)
    return ''
  })
  const paths = [...found]
  return {
    text: text.trim(),
    paths: paths.slice(0, mostSentFiles),
    omitted: Math.max(0, paths.length - mostSentFiles),
  }
}

export type SentFile = {
  kind: 'photo' | 'video' | 'document'
  /** Safe to show, and to put into a header. */
  name: string
  size: number
  /** The caller closes it. */
  file: HeldFile
}

/**
 * Opens a file that a chat gets: a regular file of its own workspace, no larger than Telegram takes. `workspace`
 * is the real path of that folder, and follows no symlink below it (threats H2 and M7). `path` is relative to
 * the workspace, or absolute as the worker sees it, below `workerPath`.
 */
export async function openSentFile(options: {
  workspace: string
  workerPath: string
  path: string
}): Promise<SentFile> {
  const { workspace, workerPath, path } = options
  const target = targetOf(belowWorkspace(path, workerPath))
  const entry = openEntry(workspace, target)
  if (entry.kind === 'folder') {
    await entry.folder.close()
    throw new HttpError(400, `is a directory: ${target.asked || '/'}`)
  }
  const size = Number(entry.stats.size)
  if (size > mostSentBytes || size === 0) {
    await entry.file.close()
    const problem = size === 0 ? 'is empty' : 'is larger than 50 MB'
    throw new HttpError(400, `Telegram takes no file that ${problem}: ${target.asked}`)
  }
  const name = fileName(target.parts.at(-1) ?? '')
  return { kind: kindOf(name, size), name, size, file: entry.file }
}

/** Returns the part of a path below the workspace. Another absolute path is outside of it. */
function belowWorkspace(path: string, workerPath: string): string {
  if (!path.startsWith('/')) return path
  if (path === workerPath || path.startsWith(`${workerPath}/`)) return path.slice(workerPath.length)
  throw new HttpError(400, 'path outside the workspace of this chat')
}

/** Telegram takes a photo of at most 10 MB, and refuses other formats as one. */
const mostPhotoBytes = 10 * 1024 * 1024

function kindOf(name: string, size: number): SentFile['kind'] {
  if (/\.(?:jpe?g|png|webp)$/i.test(name)) return size <= mostPhotoBytes ? 'photo' : 'document'
  return /\.(?:mp4|mov|m4v)$/i.test(name) ? 'video' : 'document'
}
