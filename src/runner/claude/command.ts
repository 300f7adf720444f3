import { existsSync } from 'node:fs'
import { isRecord, parseJson } from '../../base/json.ts'
import { type Signer, signPlaceholder } from '../../base/run-placeholder.ts'
import { readRegularFileSync, textOf } from '../../files/regular-file.ts'
import type { RunRequest } from '../../run/request.ts'
import { runConfig } from '../../run/run-home.ts'
import type { Workspace } from '../workspace.ts'
import { placeholderVariables } from './meter-signer.ts'

/** The settings that claude takes only at its start. Everything else goes to its stdin. */
export type LaunchOptions = Pick<
  RunRequest,
  'model' | 'effort' | 'tools' | 'maxTurns' | 'maxBudgetUsd'
> & { session: { kind: 'fresh' | 'resume'; id: string }; asks?: boolean | undefined }

/**
 * Returns claude's arguments: each is one word with its value after `=`, in a form that cannot be an
 * option. None contains text of a user: `-p '--settings={…hooks…}'` runs commands without a model call.
 */
export function claudeArguments(
  options: LaunchOptions,
  mcpConfig: string | null = allowedMcpServers(),
): string[] {
  const { session, model, effort, tools, maxTurns, maxBudgetUsd, asks } = options
  return [
    '--print',
    '--input-format=stream-json',
    '--output-format=stream-json',
    '--verbose',
    '--include-partial-messages',
    '--dangerously-skip-permissions',
    // Text that is appended for one run must apply even if it resumes a session that began without it.
    '--system-prompt-snapshot=off',
    session.kind === 'fresh' ? `--session-id=${session.id}` : `--resume=${session.id}`,
    ...(model === undefined ? [] : [`--model=${model}`]),
    ...(effort === undefined ? [] : [`--effort=${effort}`]),
    ...(tools === undefined ? [] : [`--tools=${tools.join(',')}`]),
    ...(maxTurns === undefined ? [] : [`--max-turns=${maxTurns}`]),
    ...(maxBudgetUsd === undefined ? [] : [`--max-budget-usd=${maxBudgetUsd}`]),
    // Offers AskUserQuestion, whose questions come on stdout. Without a host Claude Code offers neither it nor
    // these two, which wait for a person too.
    ...(asks
      ? ['--permission-prompt-tool=stdio', '--disallowed-tools=EnterPlanMode,ExitPlanMode']
      : []),
    // Ignores the workspace's own file.
    ...(mcpConfig === null ? [] : [`--mcp-config=${mcpConfig}`, '--strict-mcp-config']),
  ]
}

/** File with the MCP servers that the user allowed. Root owns it. */
const serversFile = '/etc/claude-secure/mcp.json'
const serversBytes = 1024 * 1024

/** Returns that file; null when there is none. */
function allowedMcpServers(path = serversFile): string | null {
  return existsSync(path) ? path : null
}

/** Returns whether the user allowed any MCP server, whose process lives as long as claude. */
export function hasMcpServers(path = serversFile): boolean {
  const config = parseJson(textOf(readRegularFileSync(path, { limit: serversBytes })) ?? '')
  const servers = isRecord(config) ? config.mcpServers : null
  return isRecord(servers) && Object.keys(servers).length > 0
}

/** Returns the container's environment without the runner's variables, with the workspace's own folders. */
export function claudeEnvironment(
  env: NodeJS.ProcessEnv,
  workspace: Workspace,
  process: { meter: string; signer: Signer | null },
): NodeJS.ProcessEnv {
  const inherited = Object.entries(env).filter(([name]) => !name.startsWith('RUNNER_'))
  return {
    ...Object.fromEntries(inherited),
    PWD: workspace.path,
    HOME: workspace.home,
    CLAUDE_CONFIG_DIR: runConfig(workspace.home),
    // claude-secure-runner unsets it for itself.
    ...(env.HTTPS_PROXY ? { NODE_USE_ENV_PROXY: '1' } : {}),
    TMPDIR: workspace.temporary,
    ...(env.JAVA_TOOL_OPTIONS && env.TMPDIR
      ? {
          JAVA_TOOL_OPTIONS: env.JAVA_TOOL_OPTIONS.replaceAll(
            env.TMPDIR,
            () => workspace.temporary,
          ),
        }
      : {}),
    CLAUDE_CODE_TMPDIR: workspace.temporary,
    ...nameForGateway(env, process),
    // 0.6, 1, 2 and 4 s between attempts, so that a run reports in time that the API is down.
    CLAUDE_CODE_MAX_RETRIES: env.CLAUDE_CODE_MAX_RETRIES ?? '4',
  }
}

/**
 * Returns the variables by which the gateway attributes the usage of a process: a placeholder of its own
 * in place of the caller's, or a header, which the gateway removes.
 */
function nameForGateway(
  env: NodeJS.ProcessEnv,
  { meter, signer }: { meter: string; signer: Signer | null },
): NodeJS.ProcessEnv {
  if (signer === null) return { ANTHROPIC_CUSTOM_HEADERS: `x-claude-secure-meter: ${meter}` }
  const signed = signPlaceholder(signer, meter)
  const given = placeholderVariables.filter(name => env[name] === signer.placeholder)
  return Object.fromEntries(given.map(name => [name, signed]))
}
