import { type ExitCode, UserError } from '../../base/errors.ts'
import {
  describeFailure,
  type RefusalCode,
  type RunFailure,
  RunRefusal,
} from '../../run/failure.ts'
import type { RunRequest } from '../../run/request.ts'
import type { RunResult } from '../../run/result.ts'
import { calledAs } from '../called-as.ts'

const exitCodes: Record<Exclude<RunResult['status'], 'succeeded'>, ExitCode> = {
  failed: 1,
  interrupted: 1,
  'timed-out': 124,
  cancelled: 130,
}

/** Throws the error of a run that did not succeed; its exit status becomes the command's. */
export function throwUnlessSucceeded({ status, error, runId }: RunResult): void {
  if (status === 'succeeded') return
  const failure: RunFailure = error ?? { code: 'no-result' }
  throw new UserError(describeFailure(failure), {
    hint: hintFor(failure, runId),
    exitCode: exitCodes[status],
  })
}

const connection = `run ${calledAs()} doctor to check whether the stack reaches the model API`
const again = 'run it again to continue'
const moreTime = 'allow more time with --timeout'

/** Returns the hint for a failure, with commands as a user types them. */
export function hintFor(failure: RunFailure, runId: string): string {
  const logs = `run ${calledAs()} run logs ${runId} to see its steps`
  switch (failure.code) {
    case 'api-status':
      return failure.atGateway ? connection : statusHint(failure.status, logs)
    case 'api-gave-up':
      return failure.status === null ? connection : statusHint(failure.status, logs)
    case 'api-unreachable':
    case 'api-error':
      return connection
    case 'max-turns':
      return 'allow more with --max-turns, or continue with another run'
    case 'max-budget':
      return 'allow more with --max-budget-usd'
    case 'prompt-too-long':
      return statusHint(413, logs)
    case 'not-logged-in':
      return `put a key or token into .env, or log in for runs: ${calledAs()} login --runs`
    case 'unauthenticated':
      return statusHint(401, logs)
    case 'no-verdict':
    case 'claude-failed':
    case 'earlier':
      return `run it again; ${logs}`
    case 'refused':
      return 'run it again'
    case 'no-result':
    case 'claude-ended':
      return logs
    case 'schema-mismatch':
      return 'run it again, or describe each field in the prompt'
    case 'timed-out':
    case 'worker-timeout':
      if (failure.retry !== null) return logs
      return failure.silent ? `${moreTime}; ${connection}` : moreTime
    case 'cancelled':
    case 'interrupted':
      return again
    case 'cancel-unconfirmed':
      return `run ${calledAs()} stop to end the worker and all its processes`
    case 'connection-lost':
      return `run ${calledAs()} status to see whether the stack is up, then run it again`
    case 'worker-stopped':
      return 'run it again, which starts the worker'
    default:
      return failure satisfies never
  }
}

function statusHint(status: number, logs: string): string {
  switch (status) {
    case 400:
      return 'check --model, --effort and the length of the prompt'
    case 401:
    case 403:
      return `check ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN in .env, or run ${calledAs()} doctor`
    case 402:
      return `the account or the budget is used up; run ${calledAs()} usage to see the cost`
    case 404:
      return 'choose a model that the account can use: --model opus, sonnet, haiku or a full name'
    case 413:
      return 'shorten the prompt, or start a new conversation with --no-continue'
    case 429:
      return 'wait a minute, then run it again; the account or a budget is limited'
    default:
      return status >= 500
        ? 'run it again later; the API is overloaded or unavailable'
        : `run it again; ${logs}`
  }
}

const refusals: Record<RefusalCode, { hint: string; exitCode: 1 | 2 }> = {
  busy: { hint: 'wait until it ends, or run it again with --wait', exitCode: 1 },
  'no-session': {
    hint: 'omit --resume to continue the last run, or start a new one with --no-continue',
    exitCode: 2,
  },
  workspace: { hint: 'name a workspace that exists', exitCode: 2 },
  request: { hint: `run ${calledAs()} run --help for its options`, exitCode: 2 },
  schema: {
    hint: 'give a JSON Schema of draft 7, 2019-09 or 2020-12 without external references',
    exitCode: 2,
  },
  capacity: { hint: 'wait for another run to end, then run it again', exitCode: 1 },
  confinement: { hint: 'start a separate worker for this workspace', exitCode: 1 },
  stopping: { hint: `run it again; ${calledAs()} run starts the worker`, exitCode: 1 },
  unreachable: { hint: 'start the worker, then run it again', exitCode: 1 },
  'unknown-run': { hint: `run ${calledAs()} run list for the stored runs`, exitCode: 2 },
  'not-waiting': { hint: `run ${calledAs()} run list to see which run waits`, exitCode: 1 },
  answers: { hint: `run ${calledAs()} answer to see the question and its choices`, exitCode: 2 },
  'key-reused': { hint: 'choose another key, or send the same request again', exitCode: 2 },
}

/** Turns a refusal into the error of a command; every other error stays the same. */
export function refusalError(error: unknown): unknown {
  if (!(error instanceof RunRefusal)) return error
  const { hint, exitCode } = refusals[error.code]
  return new UserError(error.message, {
    hint: error.holder ? `${hint}, or run ${calledAs()} run cancel ${error.holder}` : hint,
    exitCode,
    cause: error,
  })
}

/** Like `refusalError`, but with the host path: the runner reports the folder's path in the container. */
export function resumeError(
  error: unknown,
  { session }: Pick<RunRequest, 'session'>,
  { workspace }: { workspace: string },
): unknown {
  const named = error instanceof RunRefusal && error.code === 'no-session'
  if (!named || session.kind !== 'resume') return refusalError(error)
  return new UserError(`no run in ${workspace} has the session ${session.id}`, {
    hint: `run ${calledAs()} run list --json for the session of each run; --no-continue starts a new one`,
    exitCode: 2,
    cause: error,
  })
}
