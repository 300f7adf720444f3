import * as z from 'zod/mini'
import { UserError } from '../base/errors.ts'

const number = (max: number) =>
  z.pipe(
    z.string().check(z.regex(/^\d{1,5}$/, { error: 'must be a number' })),
    z.transform(Number).check(z.maximum(max, { error: `must be at most ${max}` })),
  )
const path = z.string().check(z.startsWith('/', { error: 'must be an absolute path' }))

/** The runner's environment, none of which is passed to claude. */
const RunnerSettings = z
  .object({
    /** Folder of the socket, and of the token for it unless RUNNER_TOKEN_FILE has one. */
    RUNNER_FOLDER: z._default(path, '/run/claude-secure'),
    /** Maximum concurrent runs, in all workspaces. */
    RUNNER_RUNS: z._default(number(64), 8),
    /** Maximum size of the warm pool; 0 disables it. */
    RUNNER_WARM: z._default(number(16), 8),
    RUNNER_PORT: z.optional(number(65_535)),
    /** The token of the socket and of the port. */
    RUNNER_TOKEN_FILE: z.optional(path),
    /** The key by which the gateway knows the names of processes. */
    RUNNER_METER_KEY_FILE: z.optional(path),
  })
  .check(
    z.refine(({ RUNNER_PORT, RUNNER_TOKEN_FILE }) => !RUNNER_PORT || RUNNER_TOKEN_FILE, {
      path: ['RUNNER_TOKEN_FILE'],
      error:
        'must be set with RUNNER_PORT: without a token, anyone who reaches the port could run prompts',
    }),
  )
export type RunnerSettings = z.infer<typeof RunnerSettings>

export function parseRunnerSettings(env: NodeJS.ProcessEnv): RunnerSettings {
  const result = RunnerSettings.safeParse(env)
  if (result.success) return result.data
  const issues = result.error.issues.map(issue => `${issue.path.join('.')} ${issue.message}`)
  throw new UserError(`invalid environment of the runner: ${issues.join('; ')}`, {
    hint: 'fix the environment of the service worker in compose.yaml',
  })
}
