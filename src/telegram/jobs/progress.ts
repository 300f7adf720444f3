import type { RunEvent } from '../../run/result.ts'
import type { Messages, Spot } from '../bot-api/messages.ts'
import { createActivity } from './activity.ts'

/** Milliseconds between two edits of one progress message. A group has 20 calls a minute, and the answer needs some. */
const everyMilliseconds = { private: 3_000, group: 6_000 }

/** Returns the data of the button that ends a job. */
export function stopData(id: string): string {
  return `stop:${id}`
}

/** Returns the job whose Stop was pressed; null for other data. */
export function parseStop(data: string): string | null {
  return /^stop:([A-Za-z0-9]{1,40})$/.exec(data)?.[1] ?? null
}

/** Removes the progress message of a run that is over, or says that it is. */
export async function closeProgress(
  messages: Pick<Messages, 'remove' | 'edit'>,
  spot: Spot,
  message: number,
): Promise<void> {
  if (await messages.remove(spot, message)) return
  await messages.edit(spot, message, 'done', [], { last: true })
}

/**
 * Shows a run in one message, which is edited while it goes on and removed at its end. The Bot API has no key by which a
 * message is sent once, and lists none: a server that is killed between sending the message and noting its id leaves it.
 * Its Stop removes it then: see `createPressHandler`.
 */
export function createProgress(options: {
  messages: Messages
  spot: Spot
  job: string
  replyTo: number
  verbose: number
  /** The message of an earlier process. */
  message: number | null
  /** Called with the id of the message. */
  onSent: (message: number) => void
}) {
  const { messages, spot, job, replyTo, verbose, onSent } = options
  const activity = createActivity(verbose)
  const buttons = [[{ text: 'Stop', callback_data: stopData(job) }]]
  const every = spot.chat < 0 ? everyMilliseconds.group : everyMilliseconds.private
  let message = options.message
  let shown = ''
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  let sending: Promise<void> = Promise.resolve()

  /** Shows the present text now, or when the last edit is long enough ago. */
  function show() {
    if (isOver || timer !== undefined) return
    timer = setTimeout(() => {
      timer = undefined
      if (isOver || message === null || activity.text() === shown) return
      shown = activity.text()
      void messages.edit(spot, message, shown, buttons)
    }, every)
  }

  async function open() {
    shown = activity.text()
    const sent = await messages.say(spot, shown, { replyTo, buttons, silent: true })
    if (sent === null) return
    message = sent
    onSent(sent)
  }

  return {
    /** Sends the message. */
    begin() {
      if (message === null) sending = open()
    },
    waiting() {
      activity.wait()
      show()
    },
    see(event: RunEvent) {
      if (activity.see(event)) show()
    },
    /** Removes the message, or says that it is over. */
    async end(): Promise<void> {
      isOver = true
      clearTimeout(timer)
      await sending
      if (message !== null) await closeProgress(messages, spot, message)
    },
  }
}
export type Progress = ReturnType<typeof createProgress>
