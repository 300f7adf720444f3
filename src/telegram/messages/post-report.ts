import type { Messages } from '../bot-api/messages.ts'
import type { Admission } from '../chats/admission.ts'
import type { AnswerPart } from '../jobs/answer.ts'
import { partsOf } from '../jobs/answer.ts'
import { deliver } from '../jobs/deliver.ts'
import type { Posts } from './posts.ts'

/** What a schedule reports to a chat. */
export type Report = {
  chat: number
  /** Of a forum; null elsewhere. */
  topic: number | null
  job: string
  /** ISO 8601. */
  at: string
  /** In Markdown. */
  text: string
  /** Real path and name in the worker of the job's workspace, from which files are sent; null for none. */
  room: { folder: string; workspace: string } | null
}

/** A schedule does not fire while its last report is on the way: the history keeps what was not sent by then. */
const reportMilliseconds = 600_000

/** Sends a report of a schedule to a chat that telegram.yml allows. Returns the ids of its messages. */
export async function postReport(
  parts: {
    messages: Messages
    admission: Pick<Admission, 'isAllowed'>
    posts: Posts
    signal: AbortSignal
  },
  { chat, topic, job, at, text, room }: Report,
): Promise<number[]> {
  const { messages, admission, posts, signal } = parts
  if (!admission.isAllowed(chat)) throw new Error(`the chat ${chat} is not in allowed_chats`)
  const ids: number[] = []
  const spot = { chat, topic }
  const noted: Pick<Messages, 'sendFormatted' | 'document' | 'file'> = {
    sendFormatted: async (...given) => note(await messages.sendFormatted(...given)),
    document: async (...given) => note(await messages.document(...given)),
    file: async (...given) => note(await messages.file(...given)),
  }
  const head: AnswerPart = {
    kind: 'text',
    message: { text: `⏰ ${job}`, entities: [{ type: 'bold', offset: 2, length: job.length }] },
  }
  const within = AbortSignal.any([signal, AbortSignal.timeout(reportMilliseconds)])
  const isSent = await deliver({
    ...{ messages: noted, spot, replyTo: undefined, from: 0, onSent: () => {} },
    signal: within,
    parts: joined(head, partsOf(text)),
    ...{ folder: room?.folder ?? null, workerPath: room?.workspace ?? '/workspaces' },
  })
  if (!isSent) throw new Error('Telegram did not take it in time')
  return ids

  function note<T extends Awaited<ReturnType<Messages['document']>>>(sent: T): T {
    if (sent.kind !== 'sent') return sent
    ids.push(sent.value)
    posts.note(chat, sent.value, { job, at, answer: text })
    return sent
  }
}

/** Puts the name of the job into the first message, if there is room in it. */
function joined(head: AnswerPart & { kind: 'text' }, parts: AnswerPart[]): AnswerPart[] {
  const [first, ...rest] = parts
  const title = `${head.message.text}\n`
  if (first?.kind !== 'text' || title.length + first.message.text.length > 4_096) {
    return [head, ...parts]
  }
  const moved = first.message.entities.map(one => ({ ...one, offset: one.offset + title.length }))
  const text = title + first.message.text
  return [
    { kind: 'text', message: { text, entities: [...head.message.entities, ...moved] } },
    ...rest,
  ]
}
