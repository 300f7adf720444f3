import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, UserError } from '../base/errors.ts'
import { readRegularFile, textOf } from '../files/regular-file.ts'
import { type ChatPlace, createChatJobs } from '../schedules/chat-jobs.ts'
import type { ScheduleControl } from '../schedules/control.ts'
import type { JobRefusal } from '../schedules/job-source.ts'
import type { Sink } from '../schedules/sinks.ts'
import { throughProxy } from '../server/through-proxy.ts'
import { createBotApi } from '../telegram/bot-api/bot-api.ts'
import type { ChatJob } from '../telegram/chats/chat-place.ts'
import type { Given } from '../telegram/commands/commands.ts'
import { type AddedCommand, openTelegram, type TelegramOptions } from '../telegram/open-telegram.ts'
import { createGrants } from '../tenants/grants.ts'
import type { Access } from '../tenants/tokens.ts'
import { workerRoot } from '../tenants/workspace.ts'
import type { ServerSettings } from './settings.ts'

/** Opens the bot of a server with the mode `telegram`. Each call of it leaves through the proxy. */
export async function openServerTelegram(
  settings: ServerSettings,
  parts: Pick<TelegramOptions, 'records' | 'starter' | 'log'> & {
    access: Access
    /** Returns the schedules, which are opened after the bot that they post to; null without them. */
    schedules: () => ScheduleControl | null
  },
) {
  const { access, log, schedules } = parts
  const dispatcher = throughProxy(settings.PROXY_URL)
  const api = createBotApi({
    token: await readToken(settings.TELEGRAM_TOKEN_FILE),
    dispatcher,
    root: settings.TELEGRAM_API.replace(/\/+$/, ''),
  })
  const telegram = openTelegram({
    ...parts,
    api,
    path: settings.TELEGRAM_FILE,
    people: settings.TELEGRAM_PEOPLE,
    storeFolder: settings.STORE_FOLDER,
    grants: createGrants({
      folder: settings.GRANTS_FOLDER,
      tenants: () => access.tenants().map(({ name }) => name),
      log,
    }),
    workspacesFolder: settings.WORKSPACES_FOLDER,
    usageFolder: settings.USAGE_FOLDER,
    added: createJobCommands(schedules),
    onMoved(from, to) {
      const control = schedules()
      if (control === null) return
      createChatJobs(control)
        .moved(from, to)
        .catch(error => log({ kind: 'error', message: messageOf(error) }))
    },
  })
  return {
    start: telegram.start,
    sink: createTelegramSink(telegram.post, settings.WORKSPACES_FOLDER),
    refusalOf: createJobRefusal(telegram.refusalOf),
    async close() {
      // The runs end within that time: what is left of them is kept.
      await telegram.close(settings.DRAIN_SECONDS * 1_000 + 4_000)
      await dispatcher.destroy()
    },
  }
}
export type ServerTelegram = Awaited<ReturnType<typeof openServerTelegram>>

/** Reads the token of the bot. No error shows what the file has. */
async function readToken(path: string): Promise<string> {
  const token = textOf(await readRegularFile(path, { limit: 1_024 }))?.trim() ?? ''
  if (/^\d{1,20}:[A-Za-z0-9_-]{30,100}$/.test(token)) return token
  throw new UserError(`${path} does not contain the token of a bot`, {
    hint: 'run serve up --telegram on the host, which asks for it',
  })
}

/** Makes the commands by which a chat adds and lists its schedules. */
export function createJobCommands(
  schedules: () => ScheduleControl | null,
): Record<'every' | 'schedules', AddedCommand> {
  const jobs = () => {
    const control = schedules()
    if (control) return createChatJobs(control)
    throw new UserError('this server has no schedules', {
      hint: 'run serve up --telegram --schedules on the host',
    })
  }
  const placeOf = ({ spot, message, user }: Given, job: ChatJob): ChatPlace => ({
    chat: spot.chat,
    ...{ message, user },
    ...(spot.topic !== null && { topic: spot.topic }),
    job,
  })
  return {
    every: {
      about: 'add a schedule, such as day 09:00 and a prompt',
      run: (given, job) => jobs().every(placeOf(given, job), given.argument),
    },
    schedules: {
      about: 'list the schedules of this chat, or change one',
      run: (given, job) => jobs().schedules(placeOf(given, job), given.argument),
    },
  }
}

/** Makes the answer of the bot to which jobs of its chats must not fire. */
export function createJobRefusal(
  refusalOf: ReturnType<typeof openTelegram>['refusalOf'],
): JobRefusal {
  return (job, user) => refusalOf(Number(job.telegramChatId), user, job)
}

/** Makes the sink of schedules that posts to a chat. */
export function createTelegramSink(
  post: ReturnType<typeof openTelegram>['post'],
  workspacesFolder: string,
): Sink {
  return async (job, result) => {
    const place = { chat: Number(job.telegramChatId), topic: job.telegramTopicId }
    if (result.kind === 'skipped') {
      const { reason, dueAt } = result
      const text = `skipped: ${reason}`
      await post({ ...place, ...{ job: job.name, at: dueAt, text }, room: null })
      return
    }
    const { meta, note } = result
    const { answer, error, status, startedAt: at, tenant } = meta
    const text = [answer, error === null ? '' : `${status}: ${error}`].filter(Boolean).join('\n\n')
    const room = tenant === null ? null : roomOf(workspacesFolder, tenant, meta.workspace)
    const messages = await post({ ...place, ...{ job: job.name, at, room }, text: text || status })
    const [first = null] = messages
    // The first two are claudebox's.
    await note({
      chat_id: place.chat,
      message_id: first,
      message_ids: messages,
      topic_id: place.topic,
    })
  }
}

function roomOf(workspacesFolder: string, tenant: string, workspace: string) {
  const below = workspace === '' ? '' : `/${workspace}`
  const folder = join(realpathSync(join(workspacesFolder, tenant)), workspace)
  return { folder, workspace: `${workerRoot}${below}` }
}
