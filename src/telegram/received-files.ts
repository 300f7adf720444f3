import * as z from 'zod'
import { fileName } from './file-name.ts'

/** Maximum size that the Bot API gives to a bot. */
export const mostReceivedBytes = 20 * 1024 * 1024

const FileId = z.string().regex(/^[\w-]{1,256}$/, 'must be the id of a file')

const Sent = z.object({
  file_id: FileId,
  file_unique_id: FileId,
  file_size: z.number().int().nonnegative().optional(),
})

const Named = Sent.extend({ file_name: z.string().max(4_096).optional() })

/** The files of a message, as the Bot API has them. */
export const MessageFiles = z.object({
  document: Named.optional(),
  photo: z
    .array(Sent.extend({ width: z.number(), height: z.number() }))
    .max(20)
    .optional(),
  video: Named.optional(),
  audio: Named.optional(),
  voice: Sent.optional(),
})
export type MessageFiles = z.infer<typeof MessageFiles>

export type ReceivedFile = {
  id: string
  /** Name in the workspace: one entry of a folder, safe to show. */
  name: string
  /** Whether Telegram says that it is larger than a bot can get. */
  isTooLarge: boolean
}

/** Returns the file of a message and its name in the workspace; null for a message without one. */
export function receivedFile(message: MessageFiles): ReceivedFile | null {
  const { document, photo, video, audio, voice } = message
  if (document) return named(document, `file_${document.file_unique_id}`)
  if (video) return named(video, `video_${video.file_unique_id}.mp4`)
  if (audio) return named(audio, `audio_${audio.file_unique_id}.mp3`)
  if (voice) return named(voice, `voice_${voice.file_unique_id}.ogg`)
  const largest = photo?.toSorted((one, other) => area(other) - area(one))[0]
  return largest ? named(largest, `photo_${largest.file_unique_id}.jpg`) : null
}

function named(file: z.infer<typeof Named>, fallback: string): ReceivedFile {
  return {
    id: file.file_id,
    name: fileName(file.file_name ?? '', fallback),
    isTooLarge: (file.file_size ?? 0) > mostReceivedBytes,
  }
}

function area({ width, height }: { width: number; height: number }) {
  return width * height
}

/** Returns the prompt for files that were saved, with the caption that came with them. */
export function captionPrompt(caption: string, names: readonly string[]): string {
  const saved = names.length === 1 ? 'A file was' : 'Files were'
  return `${saved} saved in the workspace: ${names.map(name => `"${name}"`).join(', ')}\n\n${caption}`
}
