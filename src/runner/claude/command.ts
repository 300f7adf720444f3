import { existsSync } from 'node:fs'
import type { RunRequest } from '../../run/request.ts'
import { runConfig } from '../../run/run-home.ts'
import type { Workspace } from '../workspace.ts'

/** What has to be known when claude starts. Everything else goes to its stdin. */
export type LaunchOptions = Pick<
  RunRequest,
  'model' | 'effort' | 'tools' | 'maxTurns' | 'maxBudgetUsd'
> & { session: { kind: 'fresh' | 'resume'; id: string } }

/**
 * Every argument is one word with its value after `=`, and of a form that cannot be an option; no text
 * of a person is among them: `-p '--settings={…hooks…}'` runs commands without asking a model.
 */
export function claudeArguments(
  options: LaunchOptions,
  mcpConfig: string | null = allowedMcpServers(),
): string[] {
  const { session, model, effort, tools, maxTurns, maxBudgetUsd } = options
  return [
    '--print',
    '--input-format=stream-json',
    '--output-format=stream-json',
    '--verbose',
    '--include-partial-messages',
    '--dangerously-skip-permissions',
    // A text that is added for one run must count in it, also when the session was begun without it.
    '--system-prompt-snapshot=off',
    session.kind === 'fresh' ? `--session-id=${session.id}` : `--resume=${session.id}`,
    ...(model === undefined ? [] : [`--model=${model}`]),
    ...(effort === undefined ? [] : [`--effort=${effort}`]),
    ...(tools === undefined ? [] : [`--tools=${tools.join(',')}`]),
    ...(maxTurns === undefined ? [] : [`--max-turns=${maxTurns}`]),
    ...(maxBudgetUsd === undefined ? [] : [`--max-budget-usd=${maxBudgetUsd}`]),
    // The workspace's own file has no say.
    ...(mcpConfig === null ? [] : [`--mcp-config=${mcpConfig}`, '--strict-mcp-config']),
  ]
}

/** Mounted by the stack: the servers that the user allowed, and no others. Root's. */
function allowedMcpServers(path = '/etc/claude-secure/mcp.json'): string | null {
  return existsSync(path) ? path : null
}

/** The container's environment, without what is the runner's, and with places of the workspace's own. */
export function claudeEnvironment(
  env: NodeJS.ProcessEnv,
  workspace: Workspace,
  meter: string,
): NodeJS.ProcessEnv {
  const inherited = Object.entries(env).filter(([name]) => !name.startsWith('RUNNER_'))
  return {
    ...Object.fromEntries(inherited),
    PWD: workspace.path,
    HOME: workspace.home,
    CLAUDE_CONFIG_DIR: runConfig(workspace.home),
    TMPDIR: workspace.temporary,
    CLAUDE_CODE_TMPDIR: workspace.temporary,
    // The gateway counts by it, and takes it off.
    ANTHROPIC_CUSTOM_HEADERS: `x-claude-secure-meter: ${meter}`,
    // 0.6, 1, 2 and 4 s between attempts: an API that is down is told of in time.
    CLAUDE_CODE_MAX_RETRIES: env.CLAUDE_CODE_MAX_RETRIES ?? '4',
  }
}
