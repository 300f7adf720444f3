import { lstat } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { command } from '../../base/command.ts'
import { isMissing, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { MountSetting } from '../../config/custom-mounts.ts'
import {
  type WorkspaceConfigName,
  workspaceConfigName,
  workspaceConfigNames,
} from '../../config/protected-names.ts'
import { parseWorkspaceConfig, type WorkspaceConfig } from '../../config/workspace-config.ts'
import { demandsOf, requestsWithValues } from '../../config/workspace-requests.ts'
import { isConsented, rememberConsent } from '../../stack/additions/consent.ts'
import { makeStateFolder, type StateFolder } from '../../stack/state/state-folder.ts'
import type { OpenedWorkspace } from '../../workspace/workspace.ts'
import { readWorkspaceFile } from '../../workspace/workspace.ts'
import type { Context } from '../context.ts'

const mostBytes = 256 * 1024

/** The configuration file with the variables of its envFile. Approval covers exactly `content`. */
export type FoundConfig = {
  name: WorkspaceConfigName
  /** True for the file of another runner. */
  foreign: boolean
  config: WorkspaceConfig
  variables: Record<string, string>
  demands: string[]
  /** The demands with the values of variables, for the person who approves them. */
  requests: string[]
  content: string
}

/** Reads and checks the workspace's configuration, which is not yet approved; null without one. */
export async function readConfig({
  path,
}: Pick<OpenedWorkspace, 'path'>): Promise<FoundConfig | null> {
  for (const name of workspaceConfigNames) {
    const text = await readWorkspaceFile(path, name, mostBytes)
    if (text !== null) return describe(path, name, text)
  }
  return null
}

async function describe(path: string, name: WorkspaceConfigName, text: string) {
  const config = parseWorkspaceConfig(text, name)
  const foreign = name !== workspaceConfigName
  const variables =
    config.envFile === undefined
      ? ''
      : await readVariables(path, { name, foreign, envFile: config.envFile })
  return {
    name,
    foreign,
    config,
    variables: { ...definedIn(variables), ...config.environment },
    demands: demandsOf(config, name),
    requests: requestsWithValues(config, name, { ofEnvFile: definedIn(variables) }),
    content: `${text}\0${variables}`,
  }
}

/** Reads the file of variables. It may be missing for another runner's file, as there: approval covers its content. */
async function readVariables(
  workspace: string,
  { name, foreign, envFile }: { name: string; foreign: boolean; envFile: string },
): Promise<string> {
  const file = envFile.replace(/^\.\//, '')
  const atTop = /^[A-Za-z0-9._-]+$/.test(file)
  const text = atTop ? await readWorkspaceFile(workspace, file, mostBytes) : null
  if (text !== null) return text
  if (foreign && atTop) return ''
  throw new UserError(
    `${name}: envFile: ${terminalLine(envFile, 60)} is not a file at the top of the workspace`,
    { hint: 'name an existing file without its folder, or remove the key' },
  )
}

function definedIn(text: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parseEnv(text)).filter((entry): entry is [string, string] => Boolean(entry[1])),
  )
}

/**
 * Returns the file once a person has approved what it requests, now or earlier: it is part of the
 * workspace, so the author of the repository may have written it. Throws without a terminal to ask on,
 * because a stack that ignores its folder's configuration would be a different one.
 */
export async function consentedConfig(
  { log, confirm, canAsk }: Pick<Context, 'log' | 'confirm' | 'canAsk'>,
  workspace: OpenedWorkspace,
  state: StateFolder,
): Promise<FoundConfig | null> {
  const found = await readConfig(workspace)
  if (!found) return null
  const { name, config } = found
  if (found.foreign) {
    log({ kind: 'info', text: `using ${name} of this folder: it has no ${workspaceConfigName}` })
  }
  if (config.unused.length > 0) {
    log({ kind: 'info', text: `keys of ${name} without effect: ${config.unused.join(', ')}` })
  }
  if (found.demands.length === 0) return found
  if (await isConsented(state, name, found.content)) return found
  if (!canAsk) {
    throw new UserError(`${name} requests access you have not approved: ${brief(found)}`, {
      hint: `run ${command('config --accept')} to review and approve it, or remove the file`,
    })
  }
  log({ kind: 'info', text: `${name} of this folder requests:` })
  for (const request of found.requests) log({ kind: 'info', text: `  ${request}` })
  if (await confirm('Give the agent all of this?')) {
    await acceptConfig(state, found)
    return found
  }
  log({ kind: 'warn', text: `${name} is not used` })
  return null
}

export async function acceptConfig(state: StateFolder, { name, content }: FoundConfig) {
  await makeStateFolder(state)
  await rememberConsent(state, name, content)
}

function brief({ demands }: FoundConfig) {
  const [first = ''] = demands
  return demands.length === 1 ? first : `${first} and ${demands.length - 1} more`
}

/**
 * Leaves out the mounts of another runner's file whose source is missing, as that runner does: its example
 * names folders that no host has. A missing source in our own file stays an error.
 */
export async function withoutMissing(
  log: Context['log'],
  found: FoundConfig | null,
  mounts: readonly MountSetting[],
): Promise<MountSetting[]> {
  if (!found?.foreign) return [...mounts]
  const present: MountSetting[] = []
  for (const mount of mounts) {
    const missing =
      mount.name.startsWith(`${found.name}: `) &&
      (await lstat(mount.source).then(() => false, isMissing))
    if (missing) {
      const text = `${mount.name}: ${terminalLine(mount.source)} does not exist, and is not mounted`
      log({ kind: 'warn', text })
    } else present.push(mount)
  }
  return present
}

/** Returns the settings that Claude Code reads from its environment. */
export function variablesOf({ maxThinkingTokens, bashTimeout }: WorkspaceConfig) {
  return {
    ...(maxThinkingTokens !== undefined && { MAX_THINKING_TOKENS: String(maxThinkingTokens) }),
    ...(bashTimeout !== undefined && { BASH_MAX_TIMEOUT_MS: String(bashTimeout) }),
  }
}
