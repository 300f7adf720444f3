import type { Turns } from '../../tenants/files/turns.ts'
import type { Records } from '../../tenants/store/records.ts'
import type { BotApi } from '../bot-api/bot-api.ts'
import type { Messages, Spot } from '../bot-api/messages.ts'
import type { Admission } from '../chats/admission.ts'
import type { ChatPlaces } from '../chats/chat-place.ts'
import type { MovedChats } from '../chats/moved-chats.ts'
import type { Given } from '../commands/commands.ts'
import { parseCommand } from '../commands/parse-command.ts'
import type { Jobs, NewJob } from '../jobs/job.ts'
import type { RunJobs } from '../jobs/run-jobs.ts'
import type { Album, Albums } from '../messages/albums.ts'
import type { Posts } from '../messages/posts.ts'
import { promptOf } from '../messages/prompt.ts'
import { receiveFile } from '../messages/receive.ts'
import type { Questions } from '../questions/questions.ts'
import { captionPrompt } from '../received-files.ts'
import type { Inbox } from './inbox.ts'
import type { Message } from './update.ts'

export type MessageParts = {
  api: BotApi
  /** Name of the bot, without `@`. */
  bot: string
  records: Records
  inbox: Inbox
  messages: Messages
  admission: Admission
  places: ChatPlaces
  moved: MovedChats
  jobs: Jobs
  runJobs: RunJobs
  albums: Albums
  posts: Posts
  questions: Questions
  turns: Turns
  commands: Record<string, (given: Given) => Promise<void>>
  /** Called when Telegram says that a group has become a supergroup. */
  onMoved: (from: number, to: number) => void
  signal: AbortSignal
}

/** Handles one message. Every update is removed together with what it becomes. */
export function createMessageHandler(parts: MessageParts) {
  const { records, inbox, messages, jobs, runJobs, albums, questions, moved } = parts

  /** Turns an update into a job in one step: a killed server has either the update or the job. */
  function begin(update: number, job: Omit<NewJob, 'id'>) {
    const added = records.durable(() => {
      inbox.remove(update)
      return jobs.add({ id: String(update), ...job })
    })
    runJobs.begin(added)
  }

  async function receive(update: number, message: Message, place: Placed): Promise<void> {
    const { media_group_id: album, chat } = message
    if (album === undefined) return receiveOne(update, message, place)
    albums.hold(chat.id, album)
    try {
      await receiveOne(update, message, place)
    } finally {
      albums.release(chat.id, album)
    }
  }

  async function receiveOne(update: number, message: Message, place: Placed): Promise<void> {
    const { api, places, turns, signal } = parts
    const { folder } = await places.roomOf(place.home)
    const received = await receiveFile({ api, message, folder, turns, signal })
    const name = received?.kind === 'saved' ? received.name : null
    const problem = received?.kind === 'failed' ? received.reason : null
    const caption = message.caption?.trim() ?? ''
    const prompt = caption === '' ? '' : promptOf(caption, quotedOf(message))
    if (message.media_group_id !== undefined) {
      const { spot, user } = place
      records.durable(() => {
        inbox.remove(update)
        albums.add(message.media_group_id ?? '', {
          ...{ ...spot, user, message: message.message_id, update, prompt, name, problem },
        })
      })
      return
    }
    const { transcribe } = parts.places.rulesOf(place.home)
    if (name !== null && message.voice && transcribe !== undefined) {
      return begin(update, { ...jobOf(place, message), voice: name, prompt })
    }
    if (name !== null && prompt !== '') {
      return begin(update, { ...jobOf(place, message), prompt: captionPrompt(prompt, [name]) })
    }
    await messages.say(place.spot, problem ?? `saved ${name}`, { replyTo: message.message_id })
    inbox.remove(update)
  }

  async function command(
    update: number,
    name: string,
    given: Given,
    message: Message,
    place: Placed,
  ): Promise<void> {
    if (name === 'bash' && given.argument !== '') {
      return begin(update, { ...jobOf(place, message), kind: 'bash', prompt: given.argument })
    }
    if (name === 'bash') {
      await messages.say(given.spot, 'which command? send /bash COMMAND', {
        replyTo: given.message,
      })
    } else await parts.commands[name]?.(given)
    inbox.remove(update)
  }

  async function handle(update: number, message: Message): Promise<void> {
    const { chat, message_id: id } = message
    const to = message.migrate_to_chat_id
    // Of Telegram alone: no user can send such a message.
    if (to !== undefined && parts.admission.isAllowed(chat.id)) parts.onMoved(chat.id, to)
    const user = parts.admission.userOf(message)
    if (user === null) return inbox.remove(update)
    const place: Placed = { spot: spotOf(message), home: moved.homeOf(chat.id), user }
    const words = message.text?.trim() ?? ''
    const known = [...Object.keys(parts.commands), 'bash']
    const parsed = words.startsWith('/') ? parseCommand(words, parts.bot, known) : null
    if (parsed === 'other-bot') return inbox.remove(update)
    if (parsed !== null) {
      const { spot, home } = place
      const given = { spot, home, message: id, user, argument: parsed.argument }
      return command(update, parsed.name, given, message, place)
    }
    if (words === '') {
      if (hasFile(message)) return receive(update, message, place)
      return inbox.remove(update)
    }
    const quoted = quotedOf(message)
    const replied = quoted.reply_to_message?.message_id
    if (replied !== undefined) {
      const taken = await questions.reply(chat.id, replied, words)
      if (taken !== null) {
        await messages.say(place.spot, taken, { replyTo: id })
        return inbox.remove(update)
      }
    }
    const post = replied === undefined ? null : parts.posts.find(chat.id, replied)
    begin(update, { ...jobOf(place, message), prompt: promptOf(words, quoted, post) })
  }

  return {
    handle,

    /** Turns a complete album into one job, or says what was saved. */
    async album(album: Album, remove: () => void): Promise<void> {
      const { chat, topic, user, message, update, names, problems, prompt } = album
      // A restart may lie between its parts and its end.
      if (parts.admission.refusalOf(chat, user) !== null) return remove()
      if (prompt !== '' && names.length > 0) {
        const failed = problems.length > 0 ? `\n\n(${problems.join('; ')})` : ''
        const job = records.durable(() => {
          remove()
          return jobs.add({
            ...{ id: `a${update}`, chat, topic, message, user, kind: 'prompt' },
            prompt: captionPrompt(prompt, names) + failed,
          })
        })
        return runJobs.begin(job)
      }
      const saved = names.length > 0 ? [`saved ${names.join(', ')}`] : []
      const text = [...saved, ...problems].join('\n')
      await messages.say({ chat, topic }, text, { replyTo: message })
      remove()
    },
  }
}
export type MessageHandler = ReturnType<typeof createMessageHandler>

type Placed = { spot: Spot; home: number; user: number }

function jobOf({ spot, user }: Placed, message: Message) {
  return { ...spot, user, message: message.message_id, kind: 'prompt' as const }
}

function spotOf({ chat, is_topic_message, message_thread_id }: Message): Spot {
  return { chat: chat.id, topic: is_topic_message ? (message_thread_id ?? null) : null }
}

/** In a topic, a message that replies to nothing replies to the topic itself. */
function quotedOf(message: Message): Pick<Message, 'reply_to_message' | 'quote'> {
  const { reply_to_message, quote, message_thread_id, is_topic_message } = message
  if (is_topic_message && reply_to_message?.message_id === message_thread_id) return {}
  return { ...(reply_to_message && { reply_to_message }), ...(quote && { quote }) }
}

function hasFile({ document, photo, video, audio, voice }: Message): boolean {
  return [document, photo, video, audio, voice].some(file => file !== undefined)
}
