import type { Turns } from '../../tenants/files/turns.ts'
import { HttpError } from '../../tenants/http-error.ts'
import type { BotApi } from '../bot-api/bot-api.ts'
import { failureOfCall } from '../bot-api/failure.ts'
import { type ReceivedFile, receivedFile } from '../received-files.ts'
import { saveReceived, tooLarge } from '../save-received.ts'
import { grammySignal } from '../updates/poll.ts'
import type { Message } from '../updates/update.ts'

const downloadMilliseconds = 300_000

/** A file that was saved, or why it was not. */
export type Received = { kind: 'saved'; name: string } | { kind: 'failed'; reason: string }

/**
 * Saves the file of a message in the workspace of its chat. A voice message is saved like every other file.
 *
 * @param options.folder real path of the workspace
 */
export async function receiveFile(options: {
  api: Pick<BotApi, 'getFile' | 'download'>
  message: Message
  folder: string
  turns: Turns
  signal: AbortSignal
}): Promise<Received | null> {
  const { message, ...parts } = options
  const file = receivedFile(message)
  if (file === null) return null
  try {
    return { kind: 'saved', name: await save(parts, file) }
  } catch (error) {
    if (error instanceof HttpError) return { kind: 'failed', reason: error.message }
    const failure = failureOfCall(error)
    const reason = 'reason' in failure ? failure.reason : failure.kind
    if (/file is too big/.test(reason))
      return { kind: 'failed', reason: tooLarge(file.name).message }
    return { kind: 'failed', reason: `${file.name} was not saved: ${reason}` }
  }
}

async function save(
  { api, folder, turns, signal }: Omit<Parameters<typeof receiveFile>[0], 'message'>,
  file: ReceivedFile,
): Promise<string> {
  if (file.isTooLarge) throw tooLarge(file.name)
  const within = AbortSignal.any([signal, AbortSignal.timeout(downloadMilliseconds)])
  const { file_path: path } = await api.getFile(file.id, grammySignal(within))
  if (path === undefined) throw new HttpError(502, `${file.name} was not saved: it has no path`)
  return saveReceived({
    ...{ workspace: folder, name: file.name, turns },
    content: () => api.download(path, within),
  })
}
