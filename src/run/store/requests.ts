import { access, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Answers } from '../question.ts'
import { readJson, StoredAnswer } from './run-files.ts'

const requestPoll = 200

/** Watches for requests of other processes: to cancel the run, or to answer its question. */
export function watchRequests(folder: string) {
  let cancel: (() => void) | null = null
  let answer: ((id: string, answers: Answers | null) => void) | null = null
  const look = async () => {
    if (
      cancel &&
      (await access(join(folder, 'cancel')).then(
        () => true,
        () => false,
      ))
    ) {
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

export const removed = (path: string) => rm(path, { force: true })
