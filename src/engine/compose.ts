import { join } from 'node:path'
import { type ExecOptions, exec } from '../process/exec.ts'
import { composeFailed } from './engine-failure.ts'
import type { DockerClient } from './find-client.ts'

export type ComposeProject = {
  /** Compose project name. */
  name: string
  /** Folder with compose.yaml, which is also compose's project directory. */
  root: string
  /** Another file in that folder. */
  file?: string
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
    '--project-name',
    project.name,
    '--project-directory',
    project.root,
    '--env-file',
    '/dev/null',
    '--file',
    join(project.root, project.file ?? 'compose.yaml'),
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

/** A mount in a compose file. The engine would create a missing path of the host as root: it must not. */
export type BindMount = {
  type: 'bind'
  source: string
  target: string
  read_only?: boolean
  bind: { create_host_path: false }
}

/** Returns the mount of a file or folder of the host, which the container can read. */
export function readOnlyMount(source: string, target: string): BindMount {
  return {
    type: 'bind',
    source: escapeVariables(source),
    target,
    read_only: true,
    bind: { create_host_path: false },
  }
}

/** Returns the program and the arguments of a call of compose. */
export function composeCall(
  { file, composeFile }: Pick<DockerClient, 'file' | 'composeFile'>,
  args: readonly string[],
): [file: string, args: string[]] {
  return composeFile ? [composeFile, [...args]] : [file, ['compose', ...args]]
}

/** Runs `docker compose …` for the project. The error names the failing service or resource. */
export async function compose(
  docker: DockerClient,
  project: ComposeProject,
  args: readonly string[],
  options: Omit<ExecOptions, 'env' | 'cwd'> = {},
): Promise<string> {
  const [file, all] = composeCall(docker, [...composeArguments(project), ...args])
  const result = await exec(file, all, {
    ...options,
    cwd: project.root,
    env: composeEnvironment(docker.env, project),
  })
  if (result.code !== 0) throw composeFailed(args, result.stderr)
  return result.stdout
}
