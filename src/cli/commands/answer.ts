import { UserError } from '../../base/errors.ts'
import { findRun, runsHere, waitingRuns } from '../../operations/runs.ts'
import { RunId } from '../../run/ids.ts'
import type { OpenQuestion } from '../../run/question.ts'
import type { Runs } from '../../run/runs.ts'
import type { RunSummary } from '../../run/store/store.ts'
import { askQuestions, canAsk, parseChoice, renderQuestion } from '../ask.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { refusalError } from '../run/failure-messages.ts'

/** Answers the question of a run of this folder; without a choice, shows it and asks on a terminal. */
export async function answer(words: readonly string[], { signal, log }: Invocation): Promise<void> {
  const runs = await runsHere()
  const named = RunId.safeParse(words[0]).success
  const choices = named ? words.slice(1) : words
  const run = named ? await findRun(runs, words[0]) : await onlyWaiting(runs)
  const { runId, question } = run
  if (!question) {
    throw new UserError(`run ${runId} does not wait for an answer`, {
      hint: `run ${calledAs()} run list to see which run waits`,
    })
  }
  const answers = choices.length > 0 ? chosen(question, choices) : await ask(question, signal)
  if (!answers) return
  await runs.answer(runId, answers).catch(error => {
    throw refusalError(error)
  })
  log({ kind: 'info', text: `answered run ${runId}` })
}

async function onlyWaiting(runs: Runs): Promise<RunSummary> {
  const [first, ...more] = await waitingRuns(runs)
  if (first && more.length === 0) return first
  throw new UserError(
    first ? 'several runs wait for an answer' : 'no run of this folder waits for an answer',
    {
      hint: `run ${calledAs()} run list for the ids, and name a waiting run`,
      exitCode: first ? 2 : 1,
    },
  )
}

function chosen({ questions }: OpenQuestion, choices: readonly string[]) {
  // One question takes all words: an unquoted answer of several words, or several numbers.
  const [only] = questions
  const perQuestion = only && questions.length === 1 ? [choices.join(' ')] : choices
  if (perQuestion.length !== questions.length) {
    throw new UserError(
      `the run asks ${questions.length} questions, but ${choices.length} answers were given`,
      {
        hint: 'give one choice for each question, in the same order',
        exitCode: 2,
      },
    )
  }
  return Object.fromEntries(
    questions.map((question, index) => [
      question.question,
      parseChoice(question, perQuestion[index] ?? ''),
    ]),
  )
}

async function ask({ questions }: OpenQuestion, signal: AbortSignal) {
  if (canAsk()) return askQuestions(questions, signal)
  for (const question of questions) console.log(renderQuestion(question).join('\n'))
  return null
}
