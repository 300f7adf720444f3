import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { ScheduledJob } from '../config/schedule-control.ts'
import type { ScheduleControl } from './control.ts'
import { everyForms, parseEvery } from './every.ts'
import type { JobEntry } from './job.ts'
import { localTime } from './timetable.ts'

/** A chat, and what its jobs run with. */
export type ChatPlace = {
  /** As Telegram has it. */
  chat: number
  /** Topic of a forum, where the answers go. */
  topic?: number
  /** Id of the message that asks. */
  message: number
  /** Id of its user. */
  user: number
  /** What the chat has at this time, in the keys of cron.yml. The token or tenant is the chat's own. */
  job: Pick<
    Partial<JobEntry>,
    | 'token'
    | 'tenant'
    | 'workspace'
    | 'timezone'
    | 'model'
    | 'effort'
    | 'system_prompt'
    | 'append_system_prompt'
    | 'max_budget_usd'
  >
}

/** Maximum number of jobs that one chat adds: the server has a limit for all of them. */
export const mostChatJobs = 10

const actions = ['remove', 'pause', 'resume', 'run'] as const
const usage = `send /schedules, or /schedules ${actions.join('|')} NAME`

/**
 * Answers `/every` and `/schedules` of a chat. A chat sees the jobs that send to it, and changes those that it has
 * added: the others are of cron.yml, and may have the budget of another token.
 */
export function createChatJobs(control: ScheduleControl) {
  const ofChat = ({ chat }: ChatPlace) => control.list(String(chat))

  function own(place: ChatPlace, word: string): string {
    const name = ofChat(place)
      .filter(({ added }) => added)
      .map(job => job.name)
      .find(name => name === word || name === prefixOf(place) + word)
    if (name !== undefined) return name
    throw new UserError(`this chat has added no job ${terminalLine(word, 64)}`, {
      hint: 'send /schedules for the names',
    })
  }

  return {
    /** Adds a job. Returns the answer for the chat. */
    async every(place: ChatPlace, text: string): Promise<string> {
      // A server that was killed before it answered gets the message again.
      const origin = `${place.chat}:${place.message}`
      const known = control.addedBy(origin)
      if (known) return addedText(place, known)
      const { schedule, instruction } = parseEvery(text)
      const jobs = ofChat(place)
      if (jobs.filter(({ added }) => added).length >= mostChatJobs) {
        throw new UserError(`this chat has ${mostChatJobs} jobs already`, {
          hint: 'send /schedules remove NAME for one of them first',
        })
      }
      const name = freeName(place, instruction, jobs)
      const entry = {
        ...place.job,
        ...{ name, schedule, instruction, sink: 'telegram', telegram_chat_id: String(place.chat) },
        ...(place.topic !== undefined && { telegram_topic_id: place.topic }),
      }
      return addedText(place, await control.add(entry, { origin, user: place.user }))
    },

    /** Lists the jobs of a chat, or changes one. Returns the answer for the chat. */
    async schedules(place: ChatPlace, text: string): Promise<string> {
      const [action = '', word = '', ...rest] = text.trim().split(/\s+/)
      if (action === '') return listed(place, ofChat(place))
      if (word === '' || rest.length > 0) throw new UserError('a name is missing', { hint: usage })
      switch (actions.find(known => known === action.toLowerCase())) {
        case 'remove':
          await control.remove(own(place, word), String(place.chat))
          return `removed ${word}`
        case 'pause':
          await control.pause(own(place, word))
          return `paused ${word}`
        case 'resume':
          await control.resume(own(place, word))
          return control.isPaused()
            ? `resumed ${word}, but all jobs are paused on the host: schedule resume`
            : `resumed ${word}`
        case 'run':
          await control.run(own(place, word))
          return `started ${word}`
        default:
          throw new UserError(`${terminalLine(action, 20)} is not an action`, { hint: usage })
      }
    },

    /** Takes the jobs of a chat along when its group becomes a supergroup with another id. */
    moved: (from: number, to: number): Promise<void> => control.move(String(from), String(to)),
  }
}
export type ChatJobs = ReturnType<typeof createChatJobs>

/** Keeps the names of two chats apart, so that none sees that another one has a job of a name. */
function prefixOf({ chat }: ChatPlace): string {
  return chat < 0 ? `g${-chat}-` : `u${chat}-`
}

function freeName(place: ChatPlace, instruction: string, jobs: readonly ScheduledJob[]): string {
  const words = instruction
    .slice(0, 200)
    .normalize('NFKD')
    // The accents, which are characters of their own now.
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .match(/[a-z0-9]+/g)
  const stem = (words ?? ['job']).slice(0, 3).join('-').slice(0, 24).replace(/-$/, '')
  const taken = new Set(jobs.map(({ name }) => name))
  for (let number = 1; ; number++) {
    const name = `${prefixOf(place)}${stem}${number === 1 ? '' : `-${number}`}`
    if (!taken.has(name)) return name
  }
}

function shownName(place: ChatPlace, { name }: ScheduledJob): string {
  const prefix = prefixOf(place)
  return name.startsWith(prefix) ? name.slice(prefix.length) : name
}

function addedText(place: ChatPlace, job: ScheduledJob): string {
  return `added ${shownName(place, job)}: ${nextOf(job)}`
}

function listed(place: ChatPlace, jobs: readonly ScheduledJob[]): string {
  if (jobs.length === 0) return `no schedules in this chat\n${everyForms}`
  return jobs
    .map(job => {
      const origin = job.added ? '' : ', of cron.yml'
      const state = job.running ? ', in progress' : ''
      return `${shownName(place, job)}: ${job.schedule}, ${nextOf(job)}${origin}${state}`
    })
    .join('\n')
}

function nextOf({ paused, held, next, timezone }: ScheduledJob): string {
  if (held !== null) return `does not fire: ${held}`
  if (paused) return 'paused'
  return next === null ? 'does not fire again' : `next ${localTime(new Date(next), timezone)}`
}
