import { lastLine, terminalLine } from '../../base/terminal-text.ts'
import { exec } from '../../process/exec.ts'
import { contentHash } from '../../stack/additions/consent.ts'
import { type StackState, serviceOf } from '../../stack/inspect.ts'
import type { AgentService } from '../../stack/services.ts'
import type { Context } from '../context.ts'

/** Timeout in milliseconds (10 min): a setup command downloads and builds. */
const longest = 600_000

/**
 * Runs the workspace configuration's setup commands as the agent, in its container, once per container.
 * A failure is logged and the remaining commands still run, because the agent can repair it.
 */
export async function runSetupCommands(
  { docker, log, signal }: Pick<Context, 'docker' | 'log' | 'signal'>,
  state: StackState,
  agents: readonly AgentService[],
  commands: readonly string[],
) {
  if (commands.length === 0) return
  const mark = `/run/claude-secure-setup-${contentHash(JSON.stringify(commands)).slice(0, 16)}`
  for (const name of agents) {
    const service = serviceOf(state, name)
    if (!service) continue
    const inside = (command: readonly string[]) =>
      exec(docker.file, ['exec', '--workdir', '/workspace', service.container, ...command], {
        env: docker.env,
        timeout: longest,
        signal,
      })
    if ((await inside(['test', '-e', mark])).code === 0) continue
    for (const command of commands) {
      log({ kind: 'info', text: `${name}: ${terminalLine(command)}` })
      const { code, stderr } = await inside(['bash', '-c', command])
      if (code === 0) continue
      const said = lastLine(stderr)
      log({
        kind: 'warn',
        text: `the setup command failed with exit code ${code}${said && `: ${said}`}`,
      })
    }
    await inside(['touch', mark])
  }
}
