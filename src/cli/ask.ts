import { createInterface } from 'node:readline/promises'
import { messageOf, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { RunRefusal } from '../run/failure.ts'
import type { Answers, Question } from '../run/question.ts'
import type { RunEvent } from '../run/result.ts'
import { isInteractive } from './terminal.ts'

/**
 * Asks the person at the terminal to confirm; throws without a terminal. `option` confirms in advance. Returns null
 * when the person left the question with Ctrl-C or Escape, which answers nothing.
 */
export async function ask(
  question: string,
  option = '--yes',
  { byDefault = true }: { byDefault?: boolean } = {},
): Promise<boolean | null> {
  if (!isInteractive()) {
    throw new UserError(`confirmation required but there is no terminal: ${question}`, {
      hint: `run it again with ${option}`,
    })
  }
  // Loaded on demand: a run with questions does not confirm anything.
  const { confirm, isCancel } = await import('@clack/prompts')
  const answer = await confirm({ message: question, initialValue: byDefault })
  return isCancel(answer) ? null : answer
}

/** Asks for a secret, which is not shown; null without a terminal, or when the person left the question. */
export async function askSecret(question: string): Promise<string | null> {
  if (!canAsk()) return null
  const { password, isCancel } = await import('@clack/prompts')
  const answer = await password({ message: question, output: process.stderr })
  return isCancel(answer) ? null : answer
}

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
    ? 'numbers separated by commas, or your own words'
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

/** Asks a run's questions on the terminal, until the user answers or another process closes them. */
export function createAsker(
  answer: (answers: Answers | null) => Promise<void>,
  warn: (text: string) => void,
) {
  let asking: AbortController | null = null
  const stop = () => asking?.abort()
  return {
    stop,
    event(event: RunEvent) {
      if (event.kind === 'question-closed') {
        stop()
        if (event.outcome === 'unanswered')
          warn('the question was not answered; the run continues without an answer')
      }
      if (event.kind !== 'question') return
      asking = new AbortController()
      const { signal } = asking
      askQuestions(event.questions, signal)
        .then(answers => (signal.aborted ? undefined : answer(answers)))
        // A refusal: another process answered in the meantime.
        .catch(error => {
          if (!(error instanceof RunRefusal)) warn(messageOf(error))
        })
    },
  }
}
