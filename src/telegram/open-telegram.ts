import { messageOf, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { createTurns } from '../tenants/files/turns.ts'
import type { Grants } from '../tenants/grants.ts'
import { HttpError } from '../tenants/http-error.ts'
import type { RunStarter } from '../tenants/run-starter.ts'
import type { ServerLog } from '../tenants/server-log.ts'
import type { Records } from '../tenants/store/records.ts'
import type { Access } from '../tenants/tokens.ts'
import { askUntilAnswered } from './bot-api/ask-until-answered.ts'
import type { BotApi } from './bot-api/bot-api.ts'
import { createMessages, type Spot } from './bot-api/messages.ts'
import type { PaceLimits } from './bot-api/pace.ts'
import { createSender } from './bot-api/sender.ts'
import { openChatSettings } from './chat-settings.ts'
import { createAdmission } from './chats/admission.ts'
import { openChatFile } from './chats/chat-file.ts'
import { type ChatJob, type ChatRoom, createChatPlaces, type JobPlace } from './chats/chat-place.ts'
import { openMovedChats } from './chats/moved-chats.ts'
import { openSessions } from './chats/sessions.ts'
import { createCommands, type Given } from './commands/commands.ts'
import { commands as menu } from './commands/parse-command.ts'
import { openJobs } from './jobs/job.ts'
import { createRunJobs } from './jobs/run-jobs.ts'
import { openAlbums } from './messages/albums.ts'
import { postReport, type Report } from './messages/post-report.ts'
import { openPosts } from './messages/posts.ts'
import { createNameGrants } from './questions/name-grants.ts'
import { createQuestions } from './questions/questions.ts'
import { createRunFiles } from './run-files.ts'
import { openSentFile } from './sent-files.ts'
import { createDispatch } from './updates/dispatch.ts'
import { createMessageHandler, type MessageHandler } from './updates/handle-message.ts'
import { createPressHandler } from './updates/handle-press.ts'
import { openInbox, type Waiting } from './updates/inbox.ts'
import { grammySignal, pollUpdates } from './updates/poll.ts'

/** A command of another part of the server, such as the schedules. Returns what the chat is told. */
export type AddedCommand = {
  about: string
  run: (given: Given, job: ChatJob) => Promise<string>
}

export type TelegramOptions = {
  api: BotApi
  /** Of telegram.yml. */
  path: string
  /** Folder for what chats choose. */
  storeFolder: string
  records: Records
  access: Pick<Access, 'named' | 'tenants'>
  starter: Pick<RunStarter, 'start' | 'of' | 'spentToday' | 'isDraining'>
  /** Null for a server that cannot grant. */
  grants: Grants | null
  workspacesFolder: string
  usageFolder: string
  log: ServerLog
  /** Maximum number of people who may write to the bot; null for no limit. */
  people?: number | null
  added?: Readonly<Record<string, AddedCommand>>
  /** Called when a group has become a supergroup. */
  onMoved?: (from: number, to: number) => void
  /** For tests. */
  limits?: Partial<PaceLimits>
  pauses?: readonly number[]
  albumMilliseconds?: number
}

const expireMilliseconds = 60_000

/** Opens the bot of a server: its chats, and what they left unfinished. `start` begins to take updates. */
export function openTelegram(options: TelegramOptions) {
  const { api, path, storeFolder, records, access, starter, log, workspacesFolder } = options
  const closing = new AbortController()
  const file = openChatFile({ path, log, people: options.people ?? null })
  const chosen = openChatSettings(storeFolder)
  const moved = openMovedChats(records)
  const sender = createSender({
    log,
    onMoved: (from, to) => {
      // Known from an earlier process.
      if (moved.homeOf(from) === moved.homeOf(to)) return
      moved.note(from, to)
      log({ kind: 'telegram', event: 'moved', chat: from, to })
      options.onMoved?.(from, to)
    },
    onBlocked: chat => log({ kind: 'telegram', event: 'blocked', chat }),
    ...(options.limits && { limits: options.limits }),
  })
  for (const [from, to] of moved.all()) sender.move(from, to)
  const messages = createMessages({ api, sender })
  const admission = createAdmission({ file, moved, log })
  const places = createChatPlaces({ file, chosen, access, workspacesFolder })
  const sessions = openSessions(records)
  const jobs = openJobs(records)
  const posts = openPosts(records)
  const questions = createQuestions({ records, messages, starter })
  const grants = options.grants && createNameGrants({ records, messages, grants: options.grants })
  const runJobs = createRunJobs({
    ...{ jobs, places, sessions, starter, messages, questions, grants, log },
    hasAdmin: admission.hasAdmin,
    refusalOf: admission.refusalOf,
    homeOf: moved.homeOf,
    extend: (job, room) => (job.kind === 'bash' ? {} : filesOf(job, room)),
  })
  /** The tool `send_file` of a run. */
  const filesOf = ({ chat, topic }: Spot, { folder, workspace }: ChatRoom) =>
    createRunFiles({
      open: path => openSentFile({ workspace: folder, workerPath: workspace, path }),
      send: (open, caption) => messages.file({ chat, topic }, open, { caption }),
    })
  const inbox = openInbox(records)
  const albums = openAlbums({
    records,
    onComplete: (album, remove) => {
      handler?.album(album, remove).catch(error => fail(error))
    },
    ...(options.albumMilliseconds !== undefined && { milliseconds: options.albumMilliseconds }),
  })
  const press = createPressHandler({
    ...{ messages, admission, places, moved, chosen, runJobs, questions, grants },
  })
  const added = options.added ?? {}
  const commands = {
    ...createCommands({
      ...{ messages, file, places, chosen, sessions, runJobs, starter },
      usageFolder: options.usageFolder,
    }),
    ...Object.fromEntries(
      Object.entries(added).map(([name, { run }]) => [
        name,
        async (given: Given) => {
          const text = await run(given, await places.jobOf(given.home))
          await messages.say(given.spot, text, { replyTo: given.message })
        },
      ]),
    ),
  }
  let handler: MessageHandler | null = null
  const dispatch = createDispatch(handleUpdate)
  let polling: Promise<void> = Promise.resolve()
  let expiry: NodeJS.Timeout | undefined

  function fail(error: unknown) {
    log({ kind: 'error', message: `telegram: ${messageOf(error)}` })
  }

  async function handleUpdate({ id, chat }: Waiting): Promise<void> {
    const update = inbox.read(id)
    try {
      if (update.kind === 'message') return await handler?.handle(id, update.message)
      if (update.kind === 'press') await press(update.press)
      inbox.remove(id)
    } catch (error) {
      if (closing.signal.aborted) return
      const isKnown = error instanceof UserError || error instanceof HttpError
      if (!isKnown) fail(error)
      try {
        // It would fail again and again.
        inbox.remove(id)
      } catch (broken) {
        return fail(broken)
      }
      if (update.kind !== 'message' || !isKnown) return
      const hint = error instanceof UserError ? `\n${error.hint}` : ''
      const topic = update.message.is_topic_message
        ? (update.message.message_thread_id ?? null)
        : null
      const text = `${terminalLine(error.message, 500)}${hint}`
      await messages.say({ chat, topic }, text, { replyTo: update.message.message_id })
    }
  }

  /** Asks for the bot's name, which its commands in groups have; repeats until Telegram answers. */
  async function begin(): Promise<void> {
    const me = await askUntilAnswered(() => api.getMe(grammySignal(closing.signal)), {
      ...{ log, signal: closing.signal },
      ...(options.pauses && { pauses: options.pauses }),
    })
    if (me === null) return
    handler = createMessageHandler({
      ...{ api, bot: me.username, records, inbox, messages, admission, places, moved, jobs },
      ...{ runJobs, albums, posts, questions, commands, onMoved: sender.move },
      ...{ turns: createTurns(), signal: closing.signal },
    })
    runJobs.resume()
    albums.resume()
    dispatch.add(inbox.waiting())
    const all = Object.entries({
      ...menu,
      ...Object.fromEntries(Object.entries(added).map(([name, { about }]) => [name, about])),
    })
    // The menu is a convenience: no failure of it matters.
    void api
      .setMyCommands(
        all.map(([command, description]) => ({ command, description })),
        {},
        grammySignal(closing.signal),
      )
      .catch(() => {})
    await pollUpdates({
      ...{ api, inbox, log, signal: closing.signal, onKept: dispatch.add },
      ...(options.pauses && { pauses: options.pauses }),
    })
  }

  return {
    /** Returns why a job must not run that a user has added in a chat; null while it may. */
    refusalOf: (chat: number, user: number | null, place: JobPlace): string | null =>
      admission.refusalOf(chat, user) ?? places.refusalOf(moved.homeOf(chat), place),

    /** Sends what a schedule reports. Returns the ids of its messages. */
    post: (report: Report) =>
      postReport({ messages, admission, posts, signal: closing.signal }, report),

    /** Begins to take updates; goes on with what an earlier process left. */
    start() {
      polling = begin().catch(fail)
      expiry = setInterval(() => void grants?.expire().catch(fail), expireMilliseconds)
      expiry.unref()
    },

    /** Stops to take updates; what was not handled or sent is kept for the next start. */
    async close(milliseconds = 3_000): Promise<void> {
      closing.abort()
      clearInterval(expiry)
      albums.close()
      await polling
      await runJobs.close(milliseconds)
      await sender.close(Math.min(milliseconds, 1_000))
      await dispatch.close()
    },
  }
}
export type Telegram = ReturnType<typeof openTelegram>
