import type { HeldFile } from '../files/held-file.ts'
import { type OpenEntry, openEntry } from '../tenants/files/entry.ts'
import { storeFile } from '../tenants/files/store-file.ts'
import { targetOf } from '../tenants/files/target.ts'
import type { Turns } from '../tenants/files/turns.ts'
import { HttpError } from '../tenants/http-error.ts'
import { mostReceivedBytes } from './received-files.ts'

/** Maximum number of names that are tried beside files that exist. */
const mostNames = 100

/**
 * Saves the content of a file in a workspace, whole or not at all, and returns its name there. It replaces no
 * file: a sender who names one `package.json` must not change the project. Another name gets a number. A file that
 * exists with this very content is the one that was sent: by a message that comes again after the server was killed.
 */
export async function saveReceived(options: {
  /** Real path of the workspace. */
  workspace: string
  name: string
  /** Opens the content. It is opened again for another name. */
  content: () => AsyncIterable<Uint8Array>
  turns: Turns
}): Promise<string> {
  const { workspace, name, content, turns } = options
  for (let number = 1; number <= mostNames; number++) {
    const tried = number === 1 ? name : numbered(name, number)
    try {
      await storeFile({
        root: workspace,
        target: targetOf(tried),
        headers: { 'if-none-match': '*' },
        turns,
        write: async file => {
          let size = 0
          for await (const chunk of content()) {
            size += chunk.length
            if (size > mostReceivedBytes) throw tooLarge(name)
            await file.writeFile(chunk)
          }
          return size
        },
      })
      return tried
    } catch (error) {
      if (!exists(error)) throw error
      if (await hasContent(workspace, tried, content())) return tried
    }
  }
  throw new HttpError(409, `${mostNames} files with the name ${name} exist`)
}

/** Returns whether a name is a regular file with this content. */
async function hasContent(
  workspace: string,
  name: string,
  content: AsyncIterable<Uint8Array>,
): Promise<boolean> {
  const entry = openIfRegular(workspace, name)
  if (entry === null) return false
  const file = entry.kind === 'file' ? entry.file : entry.folder
  try {
    if (entry.kind !== 'file' || entry.stats.size > mostReceivedBytes) return false
    let at = 0
    for await (const chunk of content) {
      const read = await readAt(entry.file, at, chunk.length)
      if (!read.equals(chunk)) return false
      at += chunk.length
    }
    return BigInt(at) === entry.stats.size
  } finally {
    await file.close()
  }
}

function openIfRegular(workspace: string, name: string): OpenEntry | null {
  try {
    return openEntry(workspace, targetOf(name))
  } catch (error) {
    // A symlink, a FIFO, or gone by now.
    if (error instanceof HttpError) return null
    throw error
  }
}

async function readAt(file: HeldFile, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, at)
  return buffer.subarray(0, bytesRead)
}

/** The answer for a file that a bot cannot get. */
export function tooLarge(name: string): HttpError {
  return new HttpError(413, `${name} is larger than the 20 MB that Telegram gives to a bot`)
}

/** A folder, a symlink or a FIFO of that name is as good as a file: none of them is replaced. */
function exists(error: unknown): boolean {
  if (!(error instanceof HttpError)) return false
  return error.status === 412 || error.status === 400
}

function numbered(name: string, number: number): string {
  const dot = name.lastIndexOf('.')
  const end = dot > 0 ? dot : name.length
  return `${name.slice(0, end)}_${number}${name.slice(end)}`
}
