import * as z from 'zod'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { customPrefixes } from '../../config/setting-names.ts'
import type { Engine } from '../../engine/engine.ts'
import type { RunningAgent } from '../../stack/inspect.ts'

const Container = z.object({ Config: z.object({ Env: z.array(z.string()).nullish() }) })

/**
 * Rejects a run whose `CLAUDE_ENV_X` did not reach its container, because the stack is in use and keeps its
 * older settings: the run would do its work without the variable. Names no value.
 *
 * @param env the environment of the command
 */
export async function refuseMissingVariables(
  engine: Pick<Engine, 'inspect'>,
  { container }: Pick<RunningAgent, 'container'>,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const prefix = customPrefixes.environment
  const wanted = Object.entries(env).filter(
    ([name, value]) => value && name.startsWith(prefix) && name.length > prefix.length,
  )
  if (wanted.length === 0) return
  const found = Container.parse(
    await engine.inspect(`/containers/${encodeURIComponent(container)}/json`),
  )
  const present = new Set(found.Config.Env)
  const missing = wanted
    .filter(([name, value]) => !present.has(`${name.slice(prefix.length)}=${value}`))
    .map(([name]) => terminalLine(name, 60))
  if (missing.length === 0) return
  const names = missing.sort().join(', ')
  throw new UserError(`${names} cannot reach this run: the stack is in use with other settings`, {
    hint: `end the session or the run that uses it, or run ${command('stop')}, then run this command again`,
  })
}
