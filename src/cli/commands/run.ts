import { messageOf } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { StackAgent } from '../../operations/remembered-stack/memory.ts'
import type { RunEvent } from '../../run/event.ts'
import type { Answers } from '../../run/question.ts'
import { RunRefusal } from '../../run/refusal.ts'
import type { RunResult } from '../../run/result.ts'
import type { Invocation } from '../invocation.ts'
import { createReport } from '../report.ts'
import { askQuestions, canAsk } from '../run/ask-questions.ts'
import { buildRequest, parseAskTimeout, type RequestOptions } from '../run/build-request.ts'
import { detach } from '../run/detach.ts'
import { throwUnlessSucceeded } from '../run/failure-words.ts'
import type { OutputFormat } from '../run/formats.ts'
import { createOutput } from '../run/output.ts'
import { createProgress } from '../run/progress.ts'
import { readPrompt } from '../run/prompt.ts'
import { startRun } from '../run/start-run.ts'
import { workerHere } from '../run/worker-here.ts'
import { reportAfter } from '../session.ts'

export type RunCommandOptions = RequestOptions & {
  promptFile?: string
  outputFormat: OutputFormat
  includePartialMessages?: boolean
  copy?: boolean
  quiet?: boolean
  detach?: boolean
  wait?: boolean
  askTimeout?: string
}

/** Runs one prompt in the current folder; prints the answer to stdout and everything else to stderr. */
export async function run(
  argument: string | undefined,
  options: RunCommandOptions,
  invocation: Invocation,
): Promise<void> {
  const quiet = options.quiet ?? false
  const quietly = { ...invocation, quiet }
  const log = createReport(quietly)
  const warn = (text: string) => log({ kind: 'warn', text })
  const prompt = await readPrompt(argument, options, quiet ? () => {} : warn)
  const request = await buildRequest(prompt, options)
  const questionSeconds = parseAskTimeout(options.askTimeout)
  const place = await workerHere(options, quietly)
  if (options.detach) {
    const { worker } = place
    console.log(await detach({ worker, request, wait: options.wait ?? false, questionSeconds }))
    return
  }
  const { signal, verbose } = invocation
  const output = createOutput({
    format: options.outputFormat,
    partial: options.includePartialMessages ?? false,
    signal,
  })
  let result: RunResult | null = null
  const execute = async () => {
    const started = startRun(place, request, {
      ...{ signal, questionSeconds },
      wait: options.wait ?? false,
      asks: !quiet && canAsk(),
    })
    const asker = createAsker(started.answer, warn)
    const shown = show(quiet, options.outputFormat, warn)
    try {
      for await (const event of started.events) {
        shown.event(event)
        asker.event(event)
        await output.event(event)
      }
      result = await started.result
    } finally {
      asker.stop()
      shown.stop()
    }
    await output.result(result)
    shown.sum()
    return 0
  }
  if (quiet) await execute()
  else await reportAfter({ ...ended(place.worker), verbose }, execute)
  if (result !== null) throwUnlessSucceeded(result)
}

function ended({ address, container, stack, workspace }: StackAgent) {
  return { address, container, stack, workspace }
}

/** Asks at the terminal, until the user answers or another process closes the question. */
function createAsker(
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
        if (event.outcome === 'unanswered') warn('no answer was given; the run goes on without it')
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

/** Shows progress on a terminal; elsewhere only warnings. */
function show(quiet: boolean, format: OutputFormat, warn: (text: string) => void) {
  if (quiet) return { event() {}, stop() {}, sum() {} }
  const streams = format === 'stream-json' && process.stdout.isTTY === true
  const progress = process.stderr.isTTY === true && !streams ? createProgress(process.stderr) : null
  return {
    event(event: RunEvent) {
      if (event.kind === 'notice') {
        progress?.clear()
        warn(terminalLine(event.text, 300))
      } else if (event.kind === 'question') {
        progress?.pause()
      } else {
        progress?.event(event)
      }
    },
    stop: () => progress?.stop(),
    sum: () => progress?.sum(),
  }
}
