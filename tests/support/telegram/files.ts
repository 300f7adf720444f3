import { createHash, randomBytes } from 'node:crypto'
import { badRequest } from './api-error.ts'
import type { MediaKind } from './bot-objects.ts'

/** Maximum size of a file that a bot gets. */
const mostDownloadBytes = 20 * 1024 * 1024

/** A file that was sent, by a person or by the bot. One that has only a size is zeros. */
export type FileContent = { name?: string; type?: string; bytes?: Buffer; size?: number }

type KeptFile = { kind: MediaKind; content: FileContent; size: number; path: string }

const folders: Record<MediaKind, string> = {
  document: 'documents',
  photo: 'photos',
  video: 'videos',
  animation: 'animations',
  audio: 'music',
  voice: 'voice',
}

export function createFiles() {
  const files = new Map<string, KeptFile>()

  /** Keeps a file, and returns the members that each kind of file has. */
  function put(kind: MediaKind, content: FileContent) {
    const id = randomBytes(39).toString('base64url')
    const size = content.bytes?.length ?? content.size ?? 0
    const path = `${folders[kind]}/file_${files.size}${extensionOf(kind, content)}`
    files.set(id, { kind, content, size, path })
    const file_unique_id = createHash('sha256').update(id).digest('base64url').slice(0, 15)
    return { file_id: id, file_unique_id, file_size: size }
  }

  const bytesOf = ({ content, size }: KeptFile) => content.bytes ?? Buffer.alloc(size)

  return {
    put,

    /** Returns the member of a message that has this file: a photo is a list of sizes. */
    describe(kind: MediaKind, content: FileContent): unknown {
      const file = put(kind, content)
      const { name, type } = content
      const named = { ...(name && { file_name: name }), ...(type && { mime_type: type }) }
      switch (kind) {
        case 'photo': {
          const small = put(kind, { bytes: Buffer.from('the small size of a photo') })
          return [
            { ...small, width: 90, height: 67 },
            { ...file, width: 1280, height: 960 },
          ]
        }
        case 'voice':
          return { ...file, duration: 3, mime_type: type ?? 'audio/ogg' }
        case 'audio':
          return { ...file, duration: 3, ...named }
        case 'video':
        case 'animation':
          return { ...file, duration: 3, width: 640, height: 480, ...named }
        default:
          return { ...file, ...named }
      }
    },

    /** Answers getFile. */
    get(id: string) {
      const file = files.get(id)
      if (!file) throw badRequest('wrong file_id or the file is temporarily unavailable')
      if (file.size > mostDownloadBytes) throw badRequest('file is too big')
      const unique = createHash('sha256').update(id).digest('base64url').slice(0, 15)
      return {
        file_id: id,
        file_unique_id: unique,
        file_size: file.size,
        file_path: file.path,
      }
    },

    /** Returns the content of a path; null for one that does not exist. */
    download(path: string): Buffer | null {
      const file = [...files.values()].find(file => file.path === path)
      return file && file.size <= mostDownloadBytes ? bytesOf(file) : null
    },

    /** Returns what was sent under an id: its name, and its content. */
    content(id: string) {
      const file = files.get(id)
      return file ? { name: file.content.name ?? null, bytes: bytesOf(file) } : null
    },
  }
}
export type Files = ReturnType<typeof createFiles>

function extensionOf(kind: MediaKind, { name }: FileContent) {
  if (kind === 'photo') return '.jpg'
  if (kind === 'voice') return '.oga'
  return /\.[A-Za-z0-9]{1,8}$/.exec(name ?? '')?.[0] ?? ''
}
