import { join } from 'node:path'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { type ExecOptions, exec } from '../process/exec.ts'
import type { DockerClient } from './client-find.ts'

export type ComposeProject = {
  /** Compose project name. */
  name: string
  /** Folder with compose.yaml, which is also compose's project directory. */
  root: string
  /** Generated file with the differences of this workspace. */
  override: string
  /** Values for the `${…}` of compose.yaml. No secrets: compose and the engine show them. */
  variables: Record<string, string>
  profiles: readonly string[]
}

/**
 * Returns the arguments before compose's own command. They name every source of settings, so that compose
 * never looks for a compose file or an .env in the workspace.
 */
export function composeArguments(project: ComposeProject): string[] {
  return [
    'compose',
    '--project-name',
    project.name,
    '--project-directory',
    project.root,
    '--env-file',
    '/dev/null',
    '--file',
    join(project.root, 'compose.yaml'),
    '--file',
    project.override,
    ...project.profiles.flatMap(profile => ['--profile', profile]),
    '--progress',
    'plain',
  ]
}

/**
 * Returns the environment of a compose call: what the client needs to reach the engine, and our variables.
 * Variables of the user's shell (COMPOSE_FILE, CLAUDE_IMAGE) have no effect.
 */
export function composeEnvironment(
  client: Record<string, string>,
  project: ComposeProject,
): Record<string, string> {
  return { ...client, STACK_NAME: project.name, ...project.variables }
}

/** Escapes `$`: compose also replaces `$NAME` in values, and a folder may be called `$HOME`. */
export function escapeVariables(value: string): string {
  return value.replaceAll('$', '$$$$')
}

/** Runs `docker compose …` for the project. The error names the failing service or resource. */
export async function compose(
  docker: DockerClient,
  project: ComposeProject,
  args: readonly string[],
  options: Omit<ExecOptions, 'env' | 'cwd'> = {},
): Promise<string> {
  const result = await exec(docker.file, [...composeArguments(project), ...args], {
    ...options,
    cwd: project.root,
    env: composeEnvironment(docker.env, project),
  })
  if (result.code !== 0) throw composeFailed(args, result.stderr)
  return result.stdout
}

function composeFailed(args: readonly string[], stderr: string) {
  const lines = stderr
    .split('\n')
    .map(line => line.replace(/^time="[^"]*" level=\w+ msg="?/, '').replace(/"$/, ''))
    .filter(line => line.trim() !== '')
  const line =
    lines.findLast(text => /error|unhealthy|failed|denied|not /i.test(text)) ?? lines.at(-1)
  const known = knownFailures.find(({ pattern }) => pattern.test(stderr))
  const said = `docker compose ${args[0]} failed: ${terminalLine(line ?? 'no message')}`
  return new UserError(known?.message ?? said, {
    hint: known?.hint ?? `run it again with --verbose, or run ${command('doctor')}`,
    cause: new Error(stderr),
  })
}

type KnownFailure = {
  pattern: RegExp
  /** Replaces an unhelpful message of the engine. */
  message?: string
  hint: string
}

const knownFailures: readonly KnownFailure[] = [
  {
    // The words of engines up to 27, and of newer ones.
    pattern: /could not find an available.*(address pool|subnet)|all predefined address pools/i,
    message: 'the engine has no free subnet left for the networks of another stack',
    hint: `free three for each stack: ${command('list')}, then ${command('stop ID')}; or set default-address-pools in daemon.json (docs/troubleshooting.md)`,
  },
  {
    pattern: /Pool overlaps|overlaps with other one/i,
    hint: 'set EXTERNAL_SUBNET in .env to a subnet that nothing else uses',
  },
  {
    pattern: /no space left on device/i,
    hint: 'free some space: docker system df shows the usage, docker image prune frees it',
  },
  {
    pattern: /port is already allocated|address already in use/i,
    hint: 'stop the program that has that port, or choose another port in .env',
  },
  {
    pattern: /unknown or invalid runtime/i,
    hint: 'install that runtime in the engine, or remove RUNTIME from .env',
  },
  {
    pattern: /cannot connect to the docker daemon|is the docker daemon running/i,
    hint: `run ${command('setup')} to start the engine`,
  },
]
