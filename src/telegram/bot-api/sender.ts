import type { ServerLog } from '../../tenants/server-log.ts'
import { failureOfCall, type TelegramFailure } from './failure.ts'
import { createPace, type PaceLimits } from './pace.ts'

/** What came of a call. `dropped`: a newer one took its place, or the sender closes. */
export type Sent<T> =
  | { kind: 'sent'; value: T }
  | { kind: 'failed'; failure: TelegramFailure }
  | { kind: 'dropped' }

export type SendOptions = {
  /**
   * Names what the call shows, such as a progress message. A later call of that name takes the place of one that waits,
   * and one that Telegram does not take is not repeated.
   */
  shows?: string
  /** Goes before what waits in the chat: the answer to a pressed button. */
  first?: boolean
}

type Job = {
  call: (chat: number) => Promise<unknown>
  done: (sent: Sent<unknown>) => void
  shows: string | undefined
  attempts: number
}

/** Pauses after calls that the Bot API did not answer. It may have taken them: an answer is better sent twice than lost. */
const pauses = [1_000, 2_000, 5_000, 15_000, 30_000, 60_000]
const mostTooMany = 20
/** Calls that wait in one chat. */
const mostWaiting = 200
const pruneEvery = 1_000

/**
 * Makes the calls that show something in a chat: those of one chat in their order, one at a time, those of all chats in
 * turns, within the limits of Telegram. Waits as long as Telegram asks for, and repeats.
 */
export function createSender(options: {
  log: ServerLog
  /** Called when a group has become a supergroup. */
  onMoved: (from: number, to: number) => void
  /** Called when nothing can be sent to a chat. */
  onBlocked?: (chat: number) => void
  limits?: Partial<PaceLimits>
  now?: () => number
}) {
  const { log, onMoved, onBlocked, now = () => performance.now() } = options
  const pace = createPace(now, options.limits)
  /** In the order in which the chats get their turns. */
  const waiting = new Map<number, Job[]>()
  const busy = new Set<number>()
  const moved = new Map<number, number>()
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  let made = 0
  let idle: (() => void)[] = []

  const placeOf = (chat: number): number => {
    const next = moved.get(chat)
    return next === undefined || next === chat ? chat : placeOf(next)
  }

  function look() {
    clearTimeout(timer)
    if (isClosed) return
    let next = Number.POSITIVE_INFINITY
    for (const [chat, jobs] of [...waiting]) {
      if (busy.has(chat)) continue
      const [job] = jobs
      if (!job) {
        waiting.delete(chat)
        continue
      }
      const at = pace.readyAt(chat)
      if (at > now()) {
        next = Math.min(next, at)
        continue
      }
      jobs.shift()
      // The last in the next round.
      waiting.delete(chat)
      waiting.set(chat, jobs)
      busy.add(chat)
      pace.took(chat)
      made += 1
      if (made % pruneEvery === 0) pace.prune()
      void make(chat, job)
    }
    if (waiting.size === 0 && busy.size === 0) for (const wake of idle.splice(0)) wake()
    if (next < Number.POSITIVE_INFINITY) timer = setTimeout(look, Math.max(1, next - now()))
  }

  async function make(chat: number, job: Job): Promise<void> {
    try {
      job.done({ kind: 'sent', value: await job.call(chat) })
    } catch (error) {
      failed(chat, job, failureOfCall(error))
    } finally {
      busy.delete(chat)
      look()
    }
  }

  function failed(chat: number, job: Job, failure: TelegramFailure) {
    const again = (milliseconds: number) => {
      pace.pause(chat, milliseconds)
      if (job.shows !== undefined || isClosed) return job.done({ kind: 'dropped' })
      job.attempts += 1
      queueOf(chat).unshift(job)
    }
    switch (failure.kind) {
      case 'too-many':
        if (job.attempts >= mostTooMany) break
        return again(failure.seconds * 1_000 + 100)
      case 'unavailable': {
        const pause = pauses[job.attempts]
        if (pause === undefined) break
        return again(pause)
      }
      case 'moved': {
        if (placeOf(failure.chat) === chat) break
        move(chat, failure.chat)
        queueOf(failure.chat).unshift(job)
        return
      }
      case 'blocked':
        onBlocked?.(chat)
        break
      default:
        break
    }
    if (failure.kind === 'unavailable' || failure.kind === 'refused') {
      log({ kind: 'warn', message: `Telegram took no message: ${failure.reason}` })
    }
    job.done({ kind: 'failed', failure })
  }

  function queueOf(chat: number): Job[] {
    const jobs = waiting.get(chat) ?? []
    waiting.set(chat, jobs)
    return jobs
  }

  function move(from: number, to: number) {
    moved.set(from, to)
    const rest = waiting.get(from) ?? []
    waiting.delete(from)
    queueOf(to).push(...rest)
    onMoved(from, to)
  }

  return {
    /** Makes a call when its turn comes. `call` gets the present id of the chat. Never rejects. */
    send<T>(
      chat: number,
      call: (chat: number) => Promise<T>,
      { shows, first = false }: SendOptions = {},
    ): Promise<Sent<T>> {
      return new Promise(resolve => {
        const done = resolve as Job['done']
        if (isClosed) return done({ kind: 'dropped' })
        const place = placeOf(chat)
        const jobs = queueOf(place)
        const old = shows === undefined ? -1 : jobs.findIndex(job => job.shows === shows)
        const job: Job = { call, done, shows, attempts: 0 }
        if (old >= 0) {
          const [gone] = jobs.splice(old, 1, job)
          gone?.done({ kind: 'dropped' })
        } else if (jobs.length >= mostWaiting) {
          return done({ kind: 'dropped' })
        } else if (first) jobs.unshift(job)
        else jobs.push(job)
        look()
      })
    },

    /** Takes it from Telegram that a group has become a supergroup. */
    move(from: number, to: number) {
      if (placeOf(from) === placeOf(to)) return
      move(from, to)
      look()
    },

    /** Returns the present id of a chat. */
    placeOf,

    /** Waits until everything was sent, at most so long; then drops the rest. */
    async close(milliseconds: number): Promise<void> {
      let late: NodeJS.Timeout | undefined
      const over = new Promise<void>(resolve => {
        late = setTimeout(resolve, milliseconds)
      })
      const quiet = new Promise<void>(resolve => {
        idle.push(resolve)
      })
      look()
      await Promise.race([quiet, over])
      clearTimeout(late)
      clearTimeout(timer)
      isClosed = true
      idle = []
      for (const jobs of waiting.values())
        for (const job of jobs.splice(0)) job.done({ kind: 'dropped' })
      waiting.clear()
    },
  }
}
export type Sender = ReturnType<typeof createSender>
