import * as z from 'zod'
import type { Records } from '../../tenants/store/records.ts'

const kind = 'album'

/** Milliseconds after the last part, after which an album is complete: each part is a message of its own. */
const settleMilliseconds = 1_500
const mostParts = 50

/** The parts of an album so far. */
export const Album = z.object({
  chat: z.number(),
  topic: z.number().nullable(),
  user: z.number(),
  /** Of its first message. */
  message: z.number(),
  update: z.number(),
  names: z.array(z.string()),
  problems: z.array(z.string()),
  /** The caption, with what it replies to; empty without one. */
  prompt: z.string(),
})
export type Album = z.infer<typeof Album>

export type AlbumPart = Omit<Album, 'names' | 'problems'> & {
  name: string | null
  problem: string | null
}

/** Collects the messages of an album, and hands it over as one. Its parts outlive the process. */
export function openAlbums(options: {
  records: Records
  /** Takes a complete album, and removes it in the same transaction as what it becomes. */
  onComplete: (album: Album, remove: () => void) => void
  milliseconds?: number
}) {
  const { records, onComplete, milliseconds = settleMilliseconds } = options
  const timers = new Map<string, NodeJS.Timeout>()

  function complete(key: string) {
    timers.delete(key)
    const album = Album.safeParse(records.get(kind, key))
    const remove = () => records.remove(kind, key)
    if (album.success) onComplete(album.data, remove)
    else remove()
  }

  function wait(key: string) {
    clearTimeout(timers.get(key))
    timers.set(
      key,
      setTimeout(() => complete(key), milliseconds),
    )
  }

  return {
    /** Holds an album back while a part of it is being saved, which can take minutes. `release` ends that. */
    hold(chat: number, group: string) {
      clearTimeout(timers.get(`${chat}:${group}`))
    },
    release(chat: number, group: string) {
      const key = `${chat}:${group}`
      if (records.get(kind, key) !== null) wait(key)
    },

    /** Adds a part, within the transaction that removes its update. */
    add(group: string, { name, problem, ...part }: AlbumPart) {
      const key = `${part.chat}:${group}`
      const known = Album.safeParse(records.get(kind, key))
      const { names, problems, ...first } = known.success
        ? known.data
        : { ...part, names: [], problems: [] }
      const album: Album = {
        ...first,
        prompt: first.prompt || part.prompt,
        names: [...names, ...(name === null ? [] : [name])].slice(0, mostParts),
        problems: [...problems, ...(problem === null ? [] : [problem])].slice(0, mostParts),
      }
      records.put(kind, key, album)
      wait(key)
    },

    /** Goes on with the albums of an earlier process. */
    resume() {
      for (const { key } of records.list(kind)) wait(key)
    },

    close() {
      for (const timer of timers.values()) clearTimeout(timer)
    },
  }
}
export type Albums = ReturnType<typeof openAlbums>
