import { parseEnv } from 'node:util'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { NamedMount } from '../../config/custom-mounts.ts'
import { workspaceConfigName } from '../../config/protected-names.ts'
import {
  demandsOf,
  parseWorkspaceConfig,
  type WorkspaceConfig,
  withoutEffect,
} from '../../config/workspace-config.ts'
import { isConsented, rememberConsent } from '../../stack/additions/consent.ts'
import { makeStateFolder, type StateFolder } from '../../stack/state/state-folder.ts'
import type { OpenedWorkspace } from '../../workspace/workspace.ts'
import { readWorkspaceFile } from '../../workspace/workspace.ts'
import type { Context } from '../context.ts'

const mostBytes = 256 * 1024

/** The configuration file with the variables of its envFile. Approval covers exactly `content`. */
export type FoundConfig = {
  config: WorkspaceConfig
  variables: Record<string, string>
  demands: string[]
  content: string
}

/** Reads and checks the workspace's configuration, which is not yet approved; null without one. */
export async function readConfig({
  path,
}: Pick<OpenedWorkspace, 'path'>): Promise<FoundConfig | null> {
  const text = await readWorkspaceFile(path, workspaceConfigName, mostBytes)
  if (text === null) return null
  const config = parseWorkspaceConfig(text)
  const variables = config.envFile === undefined ? '' : await readVariables(path, config.envFile)
  return {
    config,
    variables: { ...definedIn(variables), ...config.environment },
    demands: demandsOf(config),
    content: `${text}\0${variables}`,
  }
}

async function readVariables(workspace: string, name: string): Promise<string> {
  const text = /^[A-Za-z0-9._-]+$/.test(name)
    ? await readWorkspaceFile(workspace, name, mostBytes)
    : null
  if (text !== null) return text
  throw new UserError(
    `${workspaceConfigName}: envFile: ${terminalLine(name, 60)} is not a file at the top of the workspace`,
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
  const useless = withoutEffect.filter(key => found.config[key] !== undefined)
  if (useless.length > 0) {
    log({
      kind: 'info',
      text: `ignored keys of ${workspaceConfigName}: ${useless.join(', ')}`,
    })
  }
  if (found.demands.length === 0) return found
  if (await isConsented(state, workspaceConfigName, found.content)) return found
  if (!canAsk) {
    throw new UserError(
      `${workspaceConfigName} requests access you have not approved: ${brief(found)}`,
      {
        hint: `run ${command('config --accept')} to review and approve it, or remove the file`,
      },
    )
  }
  log({ kind: 'info', text: `${workspaceConfigName} of this folder requests:` })
  for (const demand of found.demands) log({ kind: 'info', text: `  ${demand}` })
  if (await confirm('Give the agent all of this?')) {
    await acceptConfig(state, found)
    return found
  }
  log({ kind: 'warn', text: `${workspaceConfigName} is not used` })
  return null
}

export async function acceptConfig(state: StateFolder, { content }: FoundConfig) {
  await makeStateFolder(state)
  await rememberConsent(state, workspaceConfigName, content)
}

function brief({ demands }: FoundConfig) {
  const [first = ''] = demands
  return demands.length === 1 ? first : `${first} and ${demands.length - 1} more`
}

/** Returns its mounts in the form of `CLAUDE_MOUNT_…`, whose checks then apply. */
export function mountsOf({ volumes, mounts }: WorkspaceConfig): NamedMount[] {
  const name = (key: string, index: number) => `${workspaceConfigName}: ${key}[${index}]`
  return [
    ...volumes.map((value, index) => ({ name: name('volumes', index), value })),
    ...mounts.map(({ source, target, readonly }, index) => ({
      name: name('mounts', index),
      value: `${source}:${target}${readonly ? ':ro' : ''}`,
    })),
  ]
}

/** Returns the settings that Claude Code reads from its environment. */
export function variablesOf({ maxThinkingTokens, bashTimeout }: WorkspaceConfig) {
  return {
    ...(maxThinkingTokens !== undefined && { MAX_THINKING_TOKENS: String(maxThinkingTokens) }),
    ...(bashTimeout !== undefined && { BASH_MAX_TIMEOUT_MS: String(bashTimeout) }),
  }
}
