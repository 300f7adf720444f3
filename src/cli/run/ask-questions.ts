import { createInterface } from 'node:readline/promises'
import { terminalLine } from '../../base/terminal-text.ts'
import type { Answers, Question } from '../../run/question.ts'

/** Returns whether a person can be asked, even while stdout is redirected. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

/** Renders a question with its numbered choices. The text comes from a model and is untrusted. */
export function renderQuestion({ question, header, multiSelect, options }: Question): string[] {
  const title = header ? `${terminalLine(header, 60)}: ` : ''
  const choices = options.map(({ label, description }, index) => {
    const more = description ? ` (${terminalLine(description, 200)})` : ''
    return `  ${index + 1}. ${terminalLine(label, 200)}${more}`
  })
  const how = multiSelect
    ? 'numbers with commas between, or your own words'
    : 'a number, or your own words'
  return [`? ${title}${terminalLine(question, 1_000)}`, ...choices, `  Answer with ${how}.`]
}

/** Parses typed input into an answer: the numbers of choices, a label, or free text. */
export function parseChoice({ multiSelect, options }: Question, typed: string): string | string[] {
  const text = typed.trim()
  const numbers = multiSelect ? text.split(/[\s,]+/) : [text]
  const labels = numbers.map(number => (/^\d{1,3}$/.test(number) ? labelOf(Number(number)) : null))
  if (labels.every(label => label !== null)) return multiSelect ? labels : (labels[0] ?? text)
  const same = options.find(({ label }) => label.toLowerCase() === text.toLowerCase())
  const answer = same?.label ?? text
  return multiSelect ? [answer] : answer

  function labelOf(number: number): string | null {
    return options[number - 1]?.label ?? null
  }
}

/** Asks the questions on the terminal in turn. An empty line repeats the question; null without an answer. */
export async function askQuestions(
  questions: readonly Question[],
  signal: AbortSignal,
): Promise<Answers | null> {
  // In the terminal's own line mode, so that Ctrl-C stays a signal.
  const input = createInterface({ input: process.stdin, terminal: false })
  const lines = input[Symbol.asyncIterator]()
  const stopped = () => input.close()
  signal.addEventListener('abort', stopped, { once: true })
  try {
    const answers: Answers = {}
    for (const question of questions) {
      process.stderr.write(`${renderQuestion(question).join('\n')}\n`)
      let typed = ''
      while (typed.trim() === '') {
        if (signal.aborted) return null
        process.stderr.write('> ')
        const { done, value } = await lines.next()
        if (done) return null
        typed = value
      }
      answers[question.question] = parseChoice(question, typed)
    }
    return answers
  } finally {
    signal.removeEventListener('abort', stopped)
    input.close()
  }
}
