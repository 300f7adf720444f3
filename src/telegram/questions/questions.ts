import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import { terminalLine } from '../../base/terminal-text.ts'
import { RunRefusal } from '../../run/failure.ts'
import { type Answers, Question, QuestionId } from '../../run/question.ts'
import type { RunEvent } from '../../run/result.ts'
import type { RunStarter } from '../../tenants/run-starter.ts'
import type { Records } from '../../tenants/store/records.ts'
import type { Messages, Spot } from '../bot-api/messages.ts'
import type { Job } from '../jobs/job.ts'
import { type QuestionPress, questionButtons, questionText } from './question-texts.ts'

const kind = 'question'

/** A question of a run, while its buttons are in a chat. */
const Asked = z.object({
  /** Random, so that no one presses a button that was not shown. */
  nonce: z.string(),
  job: z.string(),
  chat: z.number(),
  topic: z.number().nullable(),
  tenant: z.string(),
  runId: z.string(),
  id: QuestionId,
  questions: z.array(Question),
  /** Answers so far: one question is shown at a time. */
  answers: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  /** Choices of the shown question, if it takes several. */
  chosen: z.array(z.number()),
  /** The shown message; null while it is being sent. */
  message: z.number().nullable(),
})
type Asked = z.infer<typeof Asked>

/** The words for the person who pressed or replied; null when it is for no question. */
export type Taken = string | null

const expired = 'expired: this question is no longer open'

/**
 * Shows the questions of runs as buttons, and takes their answers: from the chat of the run alone, each once, until the
 * run has its answer or its deadline. Those that a killed server left are told as expired.
 */
export function createQuestions(parts: {
  records: Records
  messages: Messages
  starter: Pick<RunStarter, 'of'>
}) {
  const { records, messages, starter } = parts
  const spotOf = ({ chat, topic }: Asked): Spot => ({ chat, topic })
  const keep = (asked: Asked) => records.put(kind, asked.nonce, asked)
  const all = (): Asked[] =>
    records.list(kind).flatMap(({ value }) => {
      const parsed = Asked.safeParse(value)
      return parsed.success ? [parsed.data] : []
    })
  const find = (nonce: string): Asked | null => {
    const parsed = Asked.safeParse(records.get(kind, nonce))
    return parsed.success ? parsed.data : null
  }
  const shown = (asked: Asked): Question | undefined =>
    asked.questions[Object.keys(asked.answers).length]

  async function show(asked: Asked) {
    const question = shown(asked)
    if (!question) return
    const number = asked.questions.indexOf(question) + 1
    const text = questionText(question, { number, of: asked.questions.length })
    const buttons = questionButtons(asked.nonce, question, asked.chosen)
    const message = await messages.say(spotOf(asked), text, { buttons })
    const present = find(asked.nonce)
    if (present) return keep({ ...present, message })
    if (message !== null) await close(asked, message, expired)
  }

  /** Takes the buttons away, so that a chat shows what became of them. */
  function close(asked: Asked, message: number | null, words: string): Promise<void> {
    if (message === null) return Promise.resolve()
    return messages.edit(spotOf(asked), message, `❓ ${words}`, [], { last: true })
  }

  async function answer(asked: Asked, given: string | string[]): Promise<string> {
    const question = shown(asked)
    if (!question) return expired
    const answers: Answers = { ...asked.answers, [question.question]: given }
    const words = terminalLine(`${question.question} → ${[given].flat().join(', ')}`, 1_000)
    const next: Asked = { ...asked, answers, chosen: [], message: null }
    if (shown(next)) {
      // The press is used: its message is not the shown one any more.
      keep(next)
      void close(asked, asked.message, words)
      void show(next)
      return 'answered'
    }
    records.remove(kind, asked.nonce)
    try {
      await starter.of(asked.tenant).answer(asked.runId, answers, asked.id)
    } catch (error) {
      if (!(error instanceof RunRefusal)) throw error
      void close(asked, asked.message, expired)
      return expired
    }
    void close(asked, asked.message, words)
    return 'answered'
  }

  return {
    /** Shows a question of a run in its chat. */
    ask(job: Job, runId: string, event: Extract<RunEvent, { kind: 'question' }>) {
      const asked: Asked = {
        nonce: randomBytes(12).toString('base64url'),
        ...{ job: job.id, chat: job.chat, topic: job.topic, tenant: job.tenant ?? '', runId },
        ...{ id: event.id, questions: [...event.questions] },
        ...{ answers: {}, chosen: [], message: null },
      }
      keep(asked)
      void show(asked)
    },

    /** Closes the questions of a job, or one of them, that were not answered. */
    async expire({ id: job }: Pick<Job, 'id'>, question?: string): Promise<void> {
      for (const asked of all()) {
        if (asked.job !== job || (question !== undefined && asked.id !== question)) continue
        records.remove(kind, asked.nonce)
        await close(asked, asked.message, expired)
      }
    },

    /**
     * Takes a press in a chat; the caller has checked who pressed.
     *
     * @param place.isShown whether its message has that button
     */
    async press(
      place: { chat: number; message: number; isShown: boolean },
      press: QuestionPress,
    ): Promise<Taken> {
      const asked = find(press.nonce)
      const question = asked && shown(asked)
      const isOpen = asked?.chat === place.chat && asked.message === place.message
      if (!asked || !question || !isOpen) {
        // The server was killed before it noted the message, which it could not close then.
        if (place.isShown && asked?.message !== null) {
          void messages.takeButtons(place, place.message)
        }
        return expired
      }
      if (press.choice === 'done') {
        if (!question.multiSelect) return expired
        const labels = asked.chosen.flatMap(index => question.options[index]?.label ?? [])
        return labels.length === 0 ? 'press a choice first' : answer(asked, labels)
      }
      const option = question.options[press.choice]
      if (!option) return expired
      if (!question.multiSelect) return answer(asked, option.label)
      const { choice } = press
      const chosen = asked.chosen.includes(choice)
        ? asked.chosen.filter(one => one !== choice)
        : [...asked.chosen, choice]
      keep({ ...asked, chosen })
      const number = asked.questions.indexOf(question) + 1
      const text = questionText(question, { number, of: asked.questions.length })
      const buttons = questionButtons(asked.nonce, question, chosen)
      void messages.edit(spotOf(asked), place.message, text, buttons)
      return ''
    },

    /** Takes a reply to the message of a question; null when it is a reply to something else. */
    async reply(chat: number, message: number, words: string): Promise<Taken> {
      const asked = all().find(one => one.chat === chat && one.message === message)
      if (!asked) return null
      const question = shown(asked)
      return answer(asked, question?.multiSelect ? [words] : words)
    },
  }
}
export type Questions = ReturnType<typeof createQuestions>
