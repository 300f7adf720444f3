import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { access, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { whenRoom } from '../../base/writable-room.ts'
import { replaceFile } from '../../files/replace-file.ts'
import type { Answers } from '../question.ts'
import type { RunEvent } from '../result.ts'
import { readJson, StoredAnswer } from './run-files.ts'
import type { RunLog } from './store.ts'
import { questionFile } from './store.ts'

/** Maximum bytes of one log. The store keeps at most two hundred runs of this size. */
const logBytes = 8 * 1024 * 1024
const requestPoll = 200

/** Keeps the files of a run in progress: its events, its open question, and requests of other processes. */
export function createRunLog(
  folder: string,
): Omit<RunLog, 'finish' | 'discard'> & { end: () => Promise<void> } {
  const events = createEventLog(join(folder, 'events.ndjson'))
  const requests = watchRequests(folder)
  return {
    onCancel: requests.onCancel,
    onAnswer: requests.onAnswer,
    append: events.append,
    flush: events.flush,
    async setQuestion(question) {
      const path = join(folder, questionFile)
      if (question) await replaceFile(path, JSON.stringify(question))
      else await Promise.all([path, join(folder, 'answer.json')].map(removed))
    },
    async end() {
      requests.end()
      await events.end()
    },
  }
}

/**
 * Writes events to a file, one per line. Partial messages are left out, because the whole message follows
 * them. A full disk loses the log, but does not fail the run.
 */
function createEventLog(path: string) {
  const file = createWriteStream(path, { flags: 'a', mode: 0o600 })
  let left = logBytes
  let broken = false
  file.on('error', () => {
    broken = true
  })
  return {
    async append(event: RunEvent): Promise<void> {
      if (broken || left <= 0) return
      if (event.kind === 'claude' && event.message.type === 'stream_event') return
      const line = `${JSON.stringify(event)}\n`
      left -= Buffer.byteLength(line)
      const text =
        left > 0
          ? line
          : `${JSON.stringify({ ...event, kind: 'notice', text: full, message: undefined })}\n`
      if (!file.write(text)) await whenRoom(file)
    },

    /** Resolves once all events so far are in the file. */
    async flush(): Promise<void> {
      if (broken || file.closed) return
      await new Promise<void>(resolve => file.write('', () => resolve()))
    },

    async end(): Promise<void> {
      if (broken || file.closed) return
      file.end()
      await once(file, 'close').catch(() => {})
    },
  }
}

const full = 'the log of this run is full'

/** Watches for requests of other processes: to cancel the run, or to answer its question. */
function watchRequests(folder: string) {
  let cancel: (() => void) | null = null
  let answer: ((id: string, answers: Answers | null) => void) | null = null
  const look = async () => {
    if (cancel && (await exists(join(folder, 'cancel')))) {
      cancel?.()
      cancel = null
    }
    const path = join(folder, 'answer.json')
    const given = answer && (await readJson(path, StoredAnswer).catch(() => null))
    if (!given) return
    await removed(path).catch(() => {})
    answer?.(given.id, given.answers)
  }
  const poll = setInterval(() => void look(), requestPoll)
  poll.unref()
  return {
    onCancel(call: () => void) {
      cancel = call
    },
    onAnswer(call: (id: string, answers: Answers | null) => void) {
      answer = call
    },
    end: () => clearInterval(poll),
  }
}

function exists(path: string) {
  return access(path).then(
    () => true,
    () => false,
  )
}

function removed(path: string) {
  return rm(path, { force: true })
}
