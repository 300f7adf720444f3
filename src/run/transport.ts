import type { RunnerEvent, RunnerInput, RunnerRequest } from './runner-protocol.ts'

/** One run at the runner. */
export type RunConnection = {
  /** Ends after `ended` or `refused`; without one of them when the connection was lost. Read once. */
  events: AsyncIterable<RunnerEvent>
  /** Answers a question of the run. */
  send: (input: RunnerInput) => void
  /** Asks the runner to cancel: events go on until it says that nothing of the run is left. */
  cancel: () => void
  /** Gives up on the runner, which cancels too when it notices. */
  close: () => void
}

/** The way to a runner: `docker exec` for the command line, HTTP inside of the server stack. */
export type RunTransport = {
  /** Throws when there is no way to the runner. */
  open: (request: RunnerRequest) => Promise<RunConnection>
}
