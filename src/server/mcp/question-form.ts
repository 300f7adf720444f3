import { inputRequired } from '@modelcontextprotocol/server'
import { terminalText } from '../../base/terminal-text.ts'
import type { Answers, OpenQuestion, Question } from '../../run/question.ts'

/** The only input request of an answer, by its name. */
export const formKey = 'questions'

type Property = Record<string, unknown> & { type: string }

/**
 * Builds the form by which a client asks its user. Each question has a choice, and a field for an answer of
 * one's own. The texts are the model's.
 */
export function questionForm({ questions }: Pick<OpenQuestion, 'questions'>) {
  const properties = Object.fromEntries(
    questions.flatMap((question, index) => [
      ...(question.options.length > 0 ? [[choiceKey(index), choiceOf(question)]] : []),
      [
        ownKey(index),
        { type: 'string', title: 'Other answer', description: shown(question.question, 1_000) },
      ],
    ]),
  )
  const texts = questions.map(({ question }) => shown(question, 1_000))
  return inputRequired.elicit({
    message: ['Claude asks:', ...texts].join('\n'),
    requestedSchema: { type: 'object', properties } as never,
  })
}

/** Reads the accepted content of the form; null when a question has no answer. */
export function answersOf(
  { questions }: Pick<OpenQuestion, 'questions'>,
  content: Record<string, unknown>,
): Answers | null {
  const answers: Answers = {}
  for (const [index, { question, multiSelect, options }] of questions.entries()) {
    const labels = new Map(options.map(({ label }) => [shown(label, 200), label]))
    const own = content[ownKey(index)]
    const chosen = [content[choiceKey(index)]]
      .flat()
      .filter(value => typeof value === 'string' && value !== '')
      .map(value => labels.get(String(value)) ?? String(value))
    if (typeof own === 'string' && own.trim() !== '') answers[question] = own
    else if (chosen.length === 0) return null
    else answers[question] = multiSelect ? chosen : (chosen[0] ?? '')
  }
  return answers
}

function choiceOf({ header, question, options, multiSelect }: Question): Property {
  const labels = [...new Set(options.map(({ label }) => shown(label, 200)))]
  const about = options
    .filter(({ description }) => description)
    .map(({ label, description }) => `${shown(label, 200)}: ${shown(description ?? '', 500)}`)
  const texts = {
    title: shown(header || question, 200),
    description: [shown(question, 1_000), ...about].join('\n'),
  }
  if (multiSelect) return { type: 'array', ...texts, items: { type: 'string', enum: labels } }
  return { type: 'string', ...texts, enum: labels }
}

function choiceKey(index: number) {
  return `choice${index + 1}`
}

function ownKey(index: number) {
  return `other${index + 1}`
}

/** Without escapes: a client may show it in a terminal. */
function shown(text: string, limit: number): string {
  return terminalText(text).slice(0, limit)
}
