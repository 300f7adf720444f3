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

/** Why a run was not started, or a question about one has no answer. */
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
  /** Id of the run that has the workspace, where it is known. */
  holder?: string | null
  cause?: unknown
}

/** A request that the engine refuses. Nothing was asked of the model. */
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
