import type { Answers, OpenQuestion } from './question.ts'
import type { RunEventBody } from './result.ts'
import type { RunnerEvent, RunnerInput } from './runner-protocol.ts'

type Send = (input: RunnerInput) => void

export type QuestionBrokerOptions = {
  /** Whether anyone can answer. Otherwise each question is answered with "no answer" at once. */
  asks: boolean
  /** Maximum seconds that a question waits. */
  seconds: number
  keep: (question: OpenQuestion | null) => Promise<void>
  publish: (happening: RunEventBody) => Promise<void>
  now: () => Date
}

/**
 * Holds the open question of one run. It is answered once: by a surface, or by its deadline with no
 * answer.
 */
export function createQuestionBroker({ asks, seconds, keep, publish, now }: QuestionBrokerOptions) {
  let open: { question: OpenQuestion; send: Send; timer: NodeJS.Timeout; sent: boolean } | null =
    null

  const answer = (id: string, answers: Answers | null): boolean => {
    if (!open || open.sent || open.question.id !== id) return false
    open.sent = true
    clearTimeout(open.timer)
    open.send({ kind: 'answer', id, answers })
    return true
  }

  const close = async (outcome: 'answered' | 'unanswered') => {
    if (!open) return
    const { question, timer } = open
    clearTimeout(timer)
    open = null
    // A full disk loses this state, but does not fail the run.
    await keep(null).catch(() => {})
    await publish({ kind: 'question-closed', id: question.id, outcome })
  }

  return {
    answer,
    open: () => open?.question ?? null,

    async opened(event: Extract<RunnerEvent, { kind: 'question' }>, send: Send) {
      const { id, questions } = event
      if (!asks) return send({ kind: 'answer', id, answers: null })
      await close('unanswered')
      const wait = 1_000 * Math.min(seconds, event.deadlineSeconds ?? seconds)
      const deadline = new Date(now().getTime() + wait).toISOString()
      const question = { id, questions, deadline }
      const timer = setTimeout(() => answer(id, null), wait)
      open = { question, send, timer, sent: false }
      await keep(question).catch(() => {})
      await publish({ kind: 'question', ...question })
    },

    async closed({ id, outcome }: Extract<RunnerEvent, { kind: 'question-closed' }>) {
      if (open?.question.id === id) await close(outcome)
    },

    /** Closes the open question as unanswered, because the run ends. */
    end: () => close('unanswered'),
  }
}
export type QuestionBroker = ReturnType<typeof createQuestionBroker>
