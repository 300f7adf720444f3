import type { RunningAgent } from '../stack/running-agent.ts'

/** A session, or a shell, that has just ended or was left. */
export type EndedSession = RunningAgent & {
  /** Name of the stack. */
  stack: string
  /** Real path of the folder on the host. */
  workspace: string
  since: Date
  verbose?: boolean
}
