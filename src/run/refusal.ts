/** The refusals of the runner. */
export const refusals = [
  'busy',
  'no-session',
  'workspace',
  'request',
  'capacity',
  'stopping',
  // The kernel cannot keep runs of several workspaces apart.
  'confinement',
] as const

/** The reason why a run was not started, or why a request about a run failed. */
export type RefusalCode =
  | (typeof refusals)[number]
  /** The JSON Schema cannot be compiled. */
  | 'schema'
  /** No run has this id. */
  | 'unknown-run'
  /** The run has no open question. */
  | 'not-waiting'
  /** The answers do not fit the questions. */
  | 'answers'
  /** The idempotency key belongs to another request. */
  | 'key-reused'

export type RefusalData = {
  /** Id of the run that holds the workspace, if known. */
  holder?: string | null
  cause?: unknown
}

/** A request that the engine refuses. The model received nothing. */
export class RunRefusal extends Error {
  readonly code: RefusalCode
  readonly holder: string | null

  constructor(code: RefusalCode, message: string, { holder, cause }: RefusalData = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'RunRefusal'
    this.code = code
    this.holder = holder ?? null
  }
}

export function workspaceBusy(holder: string | null): RunRefusal {
  const which = holder ? ` with run ${holder}` : ''
  return new RunRefusal('busy', `workspace busy${which}`, { holder })
}
