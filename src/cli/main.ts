import { setImmediate } from 'node:timers/promises'
import { UserError } from '../base/errors.ts'
import { userEnvironment } from '../config/environment.ts'
import { calledAs } from './called-as.ts'
import { commandLine } from './command-line.ts'
import { type Invocation, usageReported } from './invocation.ts'
import { plainCommand } from './plain-command.ts'
import { renderError } from './render/message.ts'
import { createReport } from './report.ts'
import type { EarlyClient } from './run/early-client.ts'
import { hasColours, isInteractive, readerGone, watchOutput } from './terminal.ts'
import { enterWorkspace } from './workspace-variable.ts'

/** Exit status after Ctrl-C, as shells report it. */
const interrupted = 130

/**
 * Runs one command line and returns its exit status. The only place that catches everything: prints the
 * error and its hint on two lines, and the rest with `--verbose`.
 */
export async function main(
  argv: readonly string[],
  earlyClient: EarlyClient | null = null,
): Promise<number> {
  const controller = new AbortController()
  const stop = () => controller.abort(new Error('interrupted'))
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  // Work whose result is no longer awaited may still fail with the interruption. It must not end the process
  // before the clean-up: that left containers of an audit running.
  const unhandled = (reason: unknown) => {
    if (!controller.signal.aborted || reason !== controller.signal.reason) throw reason
  }
  process.on('unhandledRejection', unhandled)
  watchOutput(controller)
  const verbose = argv.includes('--verbose')
  const completes = argv[0] === 'completion' || argv[0] === 'complete'
  try {
    let status = 0
    const invocation: Invocation = {
      signal: controller.signal,
      verbose,
      completes,
      log: createReport({ verbose }),
      async confirm(...question) {
        const answer = await (await import('./ask.ts')).ask(...question)
        if (answer !== null) return answer
        // The question takes Ctrl-C from the terminal, so no signal arrives. It must not count as No: some
        // commands go on with the rest then.
        stop()
        throw controller.signal.reason
      },
      canAsk: isInteractive(),
      calledAs: calledAs(),
      earlyClient,
      setStatus: code => {
        status = code
      },
    }
    if (!completes) enterWorkspace(userEnvironment(), invocation.log)
    const line = commandLine(withNewNames(argv))
    const plain = plainCommand(line)
    if (plain) await plain(invocation)
    else await (await import('./parse-line.ts')).parseLine(line, invocation)
    // Node reports a failed write in the next turn of the event loop.
    await setImmediate()
    if (controller.signal.reason instanceof UserError) throw controller.signal.reason
    return controller.signal.reason === readerGone ? readerGone : status
  } catch (thrown) {
    const { aborted, reason } = controller.signal
    const error = reason instanceof UserError ? reason : folderGone(thrown)
    if (error === usageReported) return 2
    if (reason === readerGone) return readerGone
    if (aborted && !(reason instanceof UserError)) {
      console.error('interrupted; run the command again to continue')
      return interrupted
    }
    console.error(renderError(error, { verbose, colour: hasColours(process.stderr) }))
    return error instanceof UserError ? error.exitCode : 1
  } finally {
    earlyClient?.exec.destroy()
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
    process.off('unhandledRejection', unhandled)
  }
}

/** Explains a missing current folder, which any command that reads it can meet. */
function folderGone(thrown: unknown): unknown {
  if (!(thrown instanceof Error && 'syscall' in thrown && thrown.syscall === 'uv_cwd'))
    return thrown
  return new UserError('the current folder does not exist any more', {
    hint: 'change to a folder that exists; if this one was created again, run cd "$PWD"',
    cause: thrown,
  })
}

/** Accepts `--update`, as in claudebox, for `update`. */
function withNewNames([first, ...rest]: readonly string[]): string[] {
  if (first === undefined) return []
  return [first === '--update' ? 'update' : first, ...rest]
}
