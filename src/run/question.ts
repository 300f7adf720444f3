import * as z from 'zod'

/** How long a question waits for an answer when the surface does not say. */
export const defaultQuestionSeconds = 600

const Choice = z.object({
  label: z.string().min(1).max(2_000),
  description: z.string().max(10_000).optional(),
})

/** One question of the model, as its AskUserQuestion tool states it. Every text is hostile. */
export const Question = z.object({
  question: z.string().min(1).max(10_000),
  /** A word or two that name the subject. */
  header: z.string().max(200).optional(),
  multiSelect: z.boolean(),
  options: z.array(Choice).max(20),
})
export type Question = z.infer<typeof Question>

export const Questions = z.array(Question).min(1).max(10)

/** Identifies an open question within its run. */
export const QuestionId = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, 'must be a question id')

/** For each question text, the label that was chosen, several labels, or free text. */
export const Answers = z.record(
  z.string().max(10_000),
  z.union([z.string().max(20_000), z.array(z.string().max(20_000)).max(20)]),
)
export type Answers = z.infer<typeof Answers>
