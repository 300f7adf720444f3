import type { RunnerEvent, RunnerInput, RunnerRequest } from './runner-protocol.ts'

/** A connection to the runner for one run. */
export type RunConnection = {
  /** Ends after `ended` or `refused`; ends without either when the connection is lost. Read once. */
  events: AsyncIterable<RunnerEvent>
  /** Answers a question of the run. */
  send: (input: RunnerInput) => void
  /** Asks the runner to cancel. Events continue until it confirms that the run is gone. */
  cancel: () => void
  /** Closes the connection without waiting; the runner cancels the run when it notices. */
  close: () => void
}

/** A transport to a runner: `docker exec` for the command line, HTTP inside the server stack. */
export type RunTransport = {
  /** Throws when the runner is unreachable. */
  open: (request: RunnerRequest) => Promise<RunConnection>
}
