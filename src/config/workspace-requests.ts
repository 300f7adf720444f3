import { posix } from 'node:path'
import { createProblems, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { NamedMount } from './custom-mounts.ts'
import { type GitRepository, nameOf, parseGitRepository } from './git-repositories.ts'
import { type WorkspaceConfigName, workspaceConfigName } from './protected-names.ts'
import { quotedValue } from './quoted-value.ts'
import type { WorkspaceConfig } from './workspace-config.ts'

/** Path of the workspace in the container. */
const workspaceTarget = '/workspace'

type Requests = Pick<
  WorkspaceConfig,
  'environment' | 'envFile' | 'volumes' | 'mounts' | 'setupCommands' | 'gitRepositories'
>

/** Returns the requests that need the user's approval, one line each: the workspace is untrusted. */
export function demandsOf(
  config: Requests,
  file: WorkspaceConfigName = workspaceConfigName,
): string[] {
  const { environment, envFile, setupCommands } = config
  return [
    ...Object.keys(environment).map(name => `the variable ${name}`),
    ...(envFile === undefined ? [] : [`the variables of ${envFile}`]),
    ...mountsOf(config, file).map(({ value }) => `the mount ${value}`),
    ...setupCommands.map(command => `the command in its container: ${command}`),
    ...repositoriesOf(config).map(describeRepository),
  ].map(line => terminalLine(line, 500))
}

/**
 * Returns the same requests with the value of each variable, for the person who approves them: a value can
 * make a harmless name dangerous. Only for a terminal, because the file of variables may hold secrets.
 */
export function requestsWithValues(
  config: Requests,
  file: WorkspaceConfigName,
  { ofEnvFile }: { ofEnvFile: Readonly<Record<string, string>> },
): string[] {
  const shown = (variables: Readonly<Record<string, string>>, where = '') =>
    Object.entries(variables).map(
      ([name, value]) => `the variable ${terminalLine(name, 100)}=${quotedValue(value)}${where}`,
    )
  const rest = { ...config, environment: {}, envFile: undefined }
  return [
    ...shown(config.environment),
    ...shown(ofEnvFile, ` of ${terminalLine(config.envFile ?? '', 100)}`),
    ...demandsOf(rest, file),
  ]
}

/** Returns the repositories that it lists. */
export function repositoriesOf({
  gitRepositories,
}: Pick<WorkspaceConfig, 'gitRepositories'>): GitRepository[] {
  return gitRepositories.flatMap(text => parseGitRepository(text) ?? [])
}

function describeRepository(repository: GitRepository): string {
  const name = nameOf(repository)
  return repository.push
    ? `fetches from ${name} and pushes to its branches claude/… with your token`
    : `fetches from ${name} with your token`
}

/**
 * Returns its mounts in the form of `CLAUDE_MOUNT_…`, whose checks then apply. A relative source is a
 * part of the workspace, which the agent has at its own place: it needs no mount.
 *
 * @throws UserError for every relative source that asks for more.
 */
export function mountsOf(
  { volumes, mounts }: Pick<WorkspaceConfig, 'volumes' | 'mounts'>,
  file: WorkspaceConfigName = workspaceConfigName,
): NamedMount[] {
  const problems = createProblems()
  const named = [
    ...volumes.map((value, index) => {
      const [source = '', target = '', mode] = value.split(':')
      const isRelative = /^\.\.?(\/|$)/.test(source)
      return {
        key: `volumes[${index}]`,
        value,
        source,
        target,
        readonly: mode === 'ro',
        isRelative,
      }
    }),
    ...mounts.map(({ source, target, readonly }, index) => {
      const value = `${source}:${target}${readonly ? ':ro' : ''}`
      const isRelative = !/^(\/|~(\/|$))/.test(source)
      return { key: `mounts[${index}]`, value, source, target, readonly, isRelative }
    }),
  ].map(({ key, ...rest }) => ({ ...rest, name: `${file}: ${key}` }))
  for (const { name, source, target, readonly, isRelative } of named) {
    if (!isRelative) continue
    try {
      checkRelative(name, { source, target, readonly })
    } catch (error) {
      problems.add(error)
    }
  }
  problems.throwIfAny()
  return named.flatMap(({ name, value, isRelative }) => (isRelative ? [] : [{ name, value }]))
}

/**
 * Accepts a part of the workspace only at its own place. Elsewhere the engine would follow a symlink that
 * the agent put there, also when it starts the container again, and would bypass the overlays (threat H2).
 */
function checkRelative(
  name: string,
  { source, target, readonly }: { source: string; target: string; readonly: boolean },
) {
  const shown = terminalLine(source, 100)
  if (source.split('/').includes('..')) {
    throw new UserError(`${name}: ${shown} leads out of the workspace`, {
      hint: 'name the folder by its absolute path',
    })
  }
  const place = posix.join(workspaceTarget, source).replace(/\/$/, '')
  if (posix.normalize(target).replace(/\/$/, '') !== place) {
    throw new UserError(
      `${name}: ${shown} is a part of the workspace, and cannot be at ${terminalLine(target, 100)}`,
      { hint: `set its target to ${terminalLine(place, 100)}, where the agent has it already` },
    )
  }
  if (readonly) {
    throw new UserError(`${name}: ${shown} is a part of the workspace, which the agent can write`, {
      hint: 'remove readonly, or move the folder out of the workspace and name its absolute path',
    })
  }
}
