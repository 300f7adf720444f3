import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../base/errors.ts'
import type { RunEvent, RunResult } from '../../run/result.ts'
import { HttpError } from '../../tenants/http-error.ts'
import { sessionNotFound } from '../../tenants/refusals.ts'
import type { RunStart, RunStarter } from '../../tenants/run-starter.ts'
import type { ServerLog } from '../../tenants/server-log.ts'
import type { Messages, Spot } from '../bot-api/messages.ts'
import type { ChatPlaces, ChatRoom } from '../chats/chat-place.ts'
import type { Sessions } from '../chats/sessions.ts'
import { createDeniedNames } from '../questions/denied-names.ts'
import type { NameGrants } from '../questions/name-grants.ts'
import type { Questions } from '../questions/questions.ts'
import { deliver } from './deliver.ts'
import type { Job, Jobs } from './job.ts'
import { partsOfJob, problemOf, requestOf } from './job-texts.ts'
import { createProgress, type Progress } from './progress.ts'
import { transcribed } from './transcribe.ts'

/** A run's result is kept for an hour at least: so long, a start with the same key finds the run that was begun. */
const keptMilliseconds = 3_000_000

/** `isOver`: its run has ended, and its answer is on the way. */
type Active = { job: Job; place: string; isOver: boolean; stop: () => void; done: Promise<void> }

/** More of a run's start, such as tools that the bot executes. */
export type Extend = (
  job: Job,
  room: ChatRoom,
) => Partial<Pick<RunStart, 'onConnected'>> & {
  request?: Partial<RunStart['request']>
  onEvent?: (event: RunEvent) => void
}

export type RunJobsParts = {
  jobs: Jobs
  places: ChatPlaces
  sessions: Sessions
  starter: Pick<RunStarter, 'start' | 'isDraining'>
  messages: Messages
  questions: Questions
  /** Null when the server cannot grant. */
  grants: NameGrants | null
  /** Returns whether a chat has someone who can grant. */
  hasAdmin: (chat: number) => boolean
  /** Returns why telegram.yml does not let a user, or anyone, write in a chat any more; null while it does. */
  refusalOf: (chat: number, user: number | null) => string | null
  /** Returns the id by which telegram.yml knows a chat. */
  homeOf: (chat: number) => number
  log: ServerLog
  extend?: Extend
  now?: () => number
}

/**
 * Runs the jobs of all chats through the starter of every surface, with its budgets, limits and records. A job starts
 * its run once: the key of the run is the update that asked for it, so that a restarted server finds the run that a
 * killed one began, and reports it.
 */
export function createRunJobs(parts: RunJobsParts) {
  const { jobs, places, sessions, starter, messages, questions, grants, homeOf, log } = parts
  const now = parts.now ?? Date.now
  const active = new Map<string, Active>()
  const closing = new AbortController()
  const spotOf = ({ chat, topic }: Job): Spot => ({ chat, topic })

  /** Tells a chat why its job has no run. Kept first: a restarted server must not run what it has refused. */
  async function refuse(job: Job, text: string): Promise<void> {
    job.refusal = text
    jobs.keep(job)
    const part = { kind: 'text', message: { text, entities: [] } } as const
    if (await send(job, [part], null)) jobs.remove(job)
  }

  function send(job: Job, answer: Parameters<typeof deliver>[0]['parts'], room: ChatRoom | null) {
    if (isShutOut(job, null)) return true
    return deliver({
      ...{ messages, spot: spotOf(job), replyTo: job.message, parts: answer, from: job.sent },
      ...{ folder: room?.folder ?? null, workerPath: room?.workspace ?? '/workspaces' },
      signal: closing.signal,
      onSent: count => {
        job.sent = count
        jobs.keep(job)
      },
    })
  }

  /** Logs a job that has no answer: telegram.yml may have changed since its message, also during a restart. */
  function isShutOut({ chat }: Job, user: number | null): boolean {
    const reason = parts.refusalOf(chat, user)
    if (reason === null) return false
    log({ kind: 'warn', message: `a message of Telegram was dropped: ${reason}` })
    return true
  }

  async function perform(job: Job): Promise<void> {
    if (isShutOut(job, job.user)) return jobs.remove(job)
    if (job.refusal !== null) return refuse(job, job.refusal)
    let room: ChatRoom
    try {
      room = await places.roomOf(homeOf(job.chat))
    } catch (error) {
      return refuse(job, problemOf(error))
    }
    const place = `${room.caller.tenant.name}:${room.workspace}`
    const isTaken = [...active.values()].some(
      other => other.place === place && other.job.id !== job.id,
    )
    // A run that was begun before a restart is reported, also if another one has its place by now.
    if (isTaken && job.begunAt === null) return refuse(job, 'busy, try again later')
    const own = active.get(job.id)
    if (own) own.place = place
    if (job.begunAt !== null && now() - job.begunAt > keptMilliseconds && job.runId === null) {
      return refuse(job, 'interrupted: the server was away for long. Send it again.')
    }
    job.begunAt ??= now()
    Object.assign(job, { tenant: room.caller.tenant.name, folder: room.folder })
    jobs.keep(job)
    const { verbose } = places.rulesOf(homeOf(job.chat))
    const progress = createProgress({
      ...{ messages, spot: spotOf(job), job: job.id, replyTo: job.message, verbose },
      message: job.progress,
      onSent: message => {
        job.progress = message
        jobs.keep(job)
      },
    })
    let result: RunResult
    try {
      result = await run(job, room, progress)
    } catch (error) {
      await progress.end()
      // Not begun: the next start does.
      if (starter.isDraining() || closing.signal.aborted) {
        job.begunAt = null
        job.progress = null
        return jobs.keep(job)
      }
      return refuse(job, problemOf(error))
    }
    if (job.kind === 'prompt' && result.sessionId !== null && result.claude !== null) {
      sessions.note(spotOf(job), result.sessionId)
    }
    // The next prompt does not wait until Telegram has the answer.
    if (own) Object.assign(own, { place: '', isOver: true })
    await progress.end()
    await questions.expire(job)
    if (await send(job, partsOfJob(job, result), room)) jobs.remove(job)
  }

  async function run(job: Job, room: ChatRoom, progress: Progress): Promise<RunResult> {
    const rules = places.rulesOf(homeOf(job.chat))
    const session = sessions.next(spotOf(job), rules.continues)
    const controller = new AbortController()
    const own = active.get(job.id)
    if (own) own.stop = () => controller.abort()
    const more = parts.extend?.(job, room) ?? {}
    const denied = grants !== null && parts.hasAdmin(homeOf(job.chat)) ? createDeniedNames() : null
    const place = {
      ...{ caller: room.caller, workspace: room.workspace, signal: controller.signal },
      queue: { signal: controller.signal, onWait: progress.waiting },
    }
    const start = (kind: typeof session) =>
      starter.start({
        ...more,
        ...place,
        request: { ...more.request, ...requestOf(job, rules), session: kind },
        surface: job.kind === 'bash' ? 'telegram:bash' : 'telegram',
        asks: job.kind === 'prompt',
        idempotencyKey: `telegram:${job.id}`,
        // After a restart, the settings of the chat can be others.
        requestDigest: 'telegram',
        onEvent(event) {
          progress.see(event)
          more.onEvent?.(event)
          if (event.kind === 'question' && job.runId !== null) questions.ask(job, job.runId, event)
          if (event.kind === 'question-closed' && event.outcome === 'unanswered')
            void questions.expire(job, event.id)
          const names = denied?.see(event) ?? []
          if (names.length > 0) grants?.offer(job, names)
        },
      })
    progress.begin()
    const { voice } = job
    if (voice !== null && rules.transcribe !== undefined) {
      job.prompt = await transcribed(starter, { ...job, voice }, rules.transcribe, place)
      job.voice = null
      jobs.keep(job)
    }
    const begun = await start(session)
    job.runId = begun.id
    jobs.keep(job)
    try {
      return await begun.result
    } catch (error) {
      if (!(error instanceof HttpError) || error.message !== sessionNotFound) throw error
      // The conversation is gone, with its workspace or by a person.
      return await (await start({ kind: 'fresh' })).result
    }
  }

  function begin(job: Job) {
    if (active.has(job.id)) return
    const done = perform(job)
      .catch(error => {
        log({ kind: 'error', message: `telegram: ${messageOf(error)}` })
      })
      .finally(() => active.delete(job.id))
    active.set(job.id, { job, place: '', isOver: false, stop: () => {}, done })
  }

  return {
    begin,

    /** Goes on with the jobs of an earlier process: reports their runs, or starts those that were not begun. */
    resume() {
      for (const job of jobs.all()) begin(job)
    },

    /** Stops the job of a Stop button in its chat; false when its run is over. */
    stop(chat: number, id: string): boolean {
      const found = active.get(id)
      if (found?.job.chat !== chat || found.isOver) return false
      found.stop()
      return true
    },

    /** Stops the jobs of a chat, or of one topic of it; returns their number. */
    cancel(spot: Spot): number {
      const found = [...active.values()].filter(
        ({ job, isOver }) => !isOver && job.chat === spot.chat && job.topic === spot.topic,
      )
      for (const { stop } of found) stop()
      return found.length
    },

    /** Returns the jobs of a chat that are in progress. */
    of: (chat: number): Job[] =>
      [...active.values()].map(({ job }) => job).filter(job => job.chat === chat),

    /** Begins nothing more. Resolves once each job is kept for the next start, or after the time. */
    async close(milliseconds: number): Promise<void> {
      closing.abort()
      const late = sleep(milliseconds, undefined, { ref: false })
      await Promise.race([Promise.allSettled([...active.values()].map(({ done }) => done)), late])
    },
  }
}
export type RunJobs = ReturnType<typeof createRunJobs>
