import type { RunResult } from '../../run/result.ts'
import { canAsk, createAsker } from '../ask.ts'
import type { Invocation } from '../invocation.ts'
import { createReport } from '../report.ts'
import { buildRequest, parseAskTimeout, type RunCommandOptions } from '../run/build-request.ts'
import { throwUnlessSucceeded } from '../run/failure-messages.ts'
import { createOutput, jsonKeysOf } from '../run/output.ts'
import { createDisplay } from '../run/progress.ts'
import { readPrompt } from '../run/prompt.ts'
import { startRun, workerHere } from '../run/start-run.ts'
import { reportAfter } from '../session.ts'

/** Runs one prompt in the current folder; prints the answer to stdout and everything else to stderr. */
export async function run(
  argument: string | undefined,
  options: RunCommandOptions,
  invocation: Invocation,
): Promise<void> {
  const { quiet = false, wait = false, outputFormat: format } = options
  const { signal, verbose } = invocation
  const log = createReport({ verbose, quiet })
  const warn = (text: string) => log({ kind: 'warn', text })

  const prompt = await readPrompt(argument, options, quiet ? () => {} : warn)
  const request = await buildRequest(prompt, options)
  const questionSeconds = parseAskTimeout(options.askTimeout)

  const place = await workerHere(options, { ...invocation, log })
  const { worker } = place
  if (options.detach) {
    const { detach } = await import('../run/detach.ts')
    console.log(await detach({ worker, request, wait, questionSeconds }))
    return
  }

  // Loads the settings, which takes the secrets out of the environment: only after the worker is found.
  const keys = await jsonKeysOf(options.keys, format)
  const partial = options.includePartialMessages ?? false
  const output = createOutput({ format, partial, keys, signal })
  let result: RunResult | null = null
  const execute = async () => {
    const asks = !quiet && canAsk()
    const started = startRun(place, request, { signal, wait, asks, questionSeconds })
    const asker = createAsker(started.answer, warn)
    const display = createDisplay({ quiet, format }, warn)
    try {
      for await (const event of started.events) {
        display.event(event)
        asker.event(event)
        await output.event(event)
      }
      result = await started.result
    } finally {
      asker.stop()
      display.stop()
    }
    await output.result(result)
    display.sum()
    return 0
  }
  if (quiet) await execute()
  else await reportAfter({ ...worker, verbose, ofRun: true }, execute)
  if (result !== null) throwUnlessSucceeded(result)
}
