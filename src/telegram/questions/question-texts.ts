import { terminalLine } from '../../base/terminal-text.ts'
import type { Question } from '../../run/question.ts'
import type { Button } from '../choice-keyboard.ts'

/** Buttons of one question: a keyboard with more is not read on a phone. */
const mostButtons = 12

/** Returns the text of a question of the model, which is hostile, with how to answer it. */
export function questionText(question: Question, at: { number: number; of: number }): string {
  const { header, options, multiSelect } = question
  const count = at.of > 1 ? ` (${at.number} of ${at.of})` : ''
  const title = `❓ ${header ? `${terminalLine(header, 60)}: ` : ''}${terminalLine(question.question, 1_500)}${count}`
  const choices = options.map(({ label, description }, index) => {
    const more = description ? ` — ${terminalLine(description, 150)}` : ''
    return `${index + 1}. ${terminalLine(label, 100)}${more}`
  })
  const how = multiSelect
    ? 'Press the choices and then Done, or reply to this message with your own words.'
    : 'Press a choice, or reply to this message with your own words.'
  return [title, ...choices, '', how].join('\n')
}

/** Returns the buttons of a question. Their data has the number of the choice, never its text. */
export function questionButtons(
  nonce: string,
  question: Question,
  chosen: readonly number[],
): Button[][] {
  const rows = question.options.slice(0, mostButtons).map(({ label }, index) => {
    const mark = chosen.includes(index) ? '✓ ' : ''
    const text = `${mark}${terminalLine(label, 50) || index + 1}`
    return [{ text, callback_data: `q:${nonce}:${index}` }]
  })
  const done = { text: 'Done', callback_data: `q:${nonce}:done` }
  return question.multiSelect ? [...rows, [done]] : rows
}

/** A press of a button of a question. */
export type QuestionPress = { nonce: string; choice: number | 'done' }

/** Parses the data of a pressed button; null for other data. */
export function parseQuestionData(data: string): QuestionPress | null {
  const [, nonce, choice] = /^q:([A-Za-z0-9_-]{16}):(\d{1,2}|done)$/.exec(data) ?? []
  if (nonce === undefined) return null
  return { nonce, choice: choice === 'done' ? 'done' : Number(choice) }
}
