import { type ExitCode, UserError } from '../../base/errors.ts'
import type { RunResult } from '../../run/result.ts'

const exitCodes: Record<Exclude<RunResult['status'], 'succeeded'>, ExitCode> = {
  failed: 1,
  interrupted: 1,
  'timed-out': 124,
  cancelled: 130,
}

/** Throws what a run that did not succeed has to say; its exit status is the command's. */
export function throwUnlessSucceeded({ status, error }: RunResult) {
  if (status === 'succeeded') return
  throw new UserError(error?.message ?? `the run is ${status}`, {
    hint: error?.hint ?? './claude.ts run logs shows what it did',
    exitCode: exitCodes[status],
  })
}
