import * as z from 'zod'
import { RunRefusal } from './failure.ts'

/** Seconds that a question waits for an answer unless the surface sets its own limit. */
export const defaultQuestionSeconds = 600

const Choice = z.object({
  label: z.string().min(1).max(2_000),
  description: z.string().max(10_000).optional(),
})

/** One question of the model, in the form of its AskUserQuestion tool. Every text is hostile. */
export const Question = z.object({
  question: z.string().min(1).max(10_000),
  /** The subject, in one or two words. */
  header: z.string().max(200).optional(),
  multiSelect: z.boolean(),
  options: z.array(Choice).max(20),
})
export type Question = z.infer<typeof Question>

export const Questions = z.array(Question).min(1).max(10)

/** Identifies an open question within its run. */
export const QuestionId = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, 'must be a question id')

/** Maps each question text to the chosen label, several labels, or free text. */
export const Answers = z.record(
  z.string().max(10_000),
  z.union([z.string().max(20_000), z.array(z.string().max(20_000)).max(20)]),
)
export type Answers = z.infer<typeof Answers>

/** A question waiting for an answer. */
export type OpenQuestion = {
  id: string
  questions: readonly Question[]
  /** ISO 8601. After it, the model is told that there is no answer. */
  deadline: string
}

/** Refuses answers that omit a question, or that answer an unknown one. */
export function checkAnswers(questions: readonly Question[], answers: Answers): void {
  const asked = new Map(questions.map(question => [question.question, question]))
  for (const [text, given] of Object.entries(answers)) {
    const question = asked.get(text)
    if (!question) throw new RunRefusal('answers', 'an answer is for a question that is not open')
    if (Array.isArray(given) && !question.multiSelect && given.length > 1) {
      throw new RunRefusal('answers', 'a question that takes one choice has several')
    }
    asked.delete(text)
  }
  if (asked.size > 0) {
    throw new RunRefusal('answers', `${asked.size} of ${questions.length} questions have no answer`)
  }
}
