import { createHash, randomBytes } from 'node:crypto'
import { closeSync, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Signer } from '../../base/run-placeholder.ts'
import { openRootSync } from '../../files/beneath.ts'
import { inheritedModel } from '../../run/claude-names.ts'
import type { RunRequest } from '../../run/request.ts'
import { runConfig } from '../../run/run-home.ts'
import type { Workspace } from '../workspace.ts'
import { claudeArguments, claudeEnvironment, type LaunchOptions } from './command.ts'
import { type ConfineOptions, confineCommand } from './confine.ts'
import { answerFirstRun } from './home.ts'
import { type ClaudeProcess, type GiveUp, startClaude } from './process.ts'

/** Options that a warm process was started with. `asks`: its host answers questions. */
export type LaunchProfile = Partial<Pick<RunRequest, 'model' | 'effort' | 'tools'>> & {
  asks?: boolean | undefined
}

/** Names that a running process accepts at once; Claude Code first asks the API about any other. */
const knownModels = /^(opus|sonnet|haiku)(\[1m\])?$/

/** Returns whether a fresh warm process can serve this request. */
export function fitsFresh(profile: LaunchProfile, request: RunRequest, asks = false): boolean {
  const { effort, tools, maxTurns, maxBudgetUsd } = request
  const model = request.model === inheritedModel ? undefined : request.model
  if (maxTurns !== undefined || maxBudgetUsd !== undefined) return false
  if ((profile.asks ?? false) !== asks) return false
  if (JSON.stringify(tools) !== JSON.stringify(profile.tools)) return false
  if (profile.effort !== undefined && profile.effort !== effort) return false
  if (profile.model !== undefined) return profile.model === model
  return model === undefined || knownModels.test(model)
}

/**
 * Hashes the settings that are fixed for the life of a process. A process lives on only for a request with
 * the same hash. Returns null for a request with limits: they count over the whole life of a process.
 */
export function launchKey(request: RunRequest, asks = false): string | null {
  const { prompt, session, timeoutSeconds, maxTurns, maxBudgetUsd, ...life } = request
  if (maxTurns !== undefined || maxBudgetUsd !== undefined) return null
  return hash(
    JSON.stringify(Object.entries({ ...life, asks }).sort(([a], [b]) => (a < b ? -1 : 1))),
  )
}

const rootFiles = ['CLAUDE.md', 'CLAUDE.local.md', '.mcp.json']
const maxFiles = 500

/**
 * Hashes the folders that a process is confined to, and inode, size and time of the files that Claude Code reads
 * when it starts: a process that started with others is out of date.
 */
export function startFiles({ path, home, temporary }: Workspace): string {
  // The kernel confines a process to the folders themselves, not to their names.
  const seen = [path, home, temporary].map(folder => {
    const stats = lstatSync(folder, { throwIfNoEntry: false })
    return [folder, stats?.dev, stats?.ino].join(' ')
  })
  const note = (file: string) => {
    const stats = lstatSync(file, { throwIfNoEntry: false })
    if (stats) seen.push([file, stats.ino, stats.size, stats.mtimeMs].join(' '))
  }
  for (const name of rootFiles) note(join(path, name))
  for (const folder of [join(path, '.claude'), ...skillFolders(home)]) {
    for (const file of filesBelow(folder)) note(file)
  }
  note(join(home, '.claude/settings.json'))
  note(join(home, '.claude/CLAUDE.md'))
  return hash(seen.join('\n'))
}

const skillFolders = (home: string) =>
  ['agents', 'commands', 'skills'].map(name => join(home, '.claude', name))

/** Lists files up to a limit, because the agent can fill the folder. Does not follow symlinks. */
function filesBelow(folder: string): string[] {
  const found: string[] = []
  const queue = [folder]
  for (const next of queue) {
    for (const entry of entriesOf(next)) {
      const path = join(next, entry.name)
      if (entry.isDirectory()) queue.push(path)
      else found.push(path)
      if (found.length + queue.length > maxFiles) return found
    }
  }
  return found
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex')

export type LaunchSettings = {
  env: NodeJS.ProcessEnv
  /** The programs before claude's arguments. */
  programs: { reaper: string; claude: string }
  /** Null when the kernel cannot confine. */
  confinement: ConfineOptions | null
  /** Whether all children of init belong to the runner. */
  orphans: boolean
  /** Whether claude has MCP servers of the user. */
  hasServers: boolean
  /** Ends the runner, and so all runs. */
  giveUp: GiveUp
  /** Signs the names of processes; null for a gateway that takes them from a header. */
  signer?: Signer | null
}

/** A started process; the gateway counts its requests under the name `meter`. */
export type Launched = { claude: ClaudeProcess; meter: string }

/** Starts claude below its reaper, confined to the folders of a workspace, which `repairHome` created. */
export type Launch = (workspace: Workspace, how: LaunchOptions) => Launched

export function createLaunch(settings: LaunchSettings): Launch {
  const { env, programs, signer = null } = settings
  return (workspace, how) => {
    const meter = randomBytes(8).toString('hex')
    const own = claudeEnvironment(env, workspace, { meter, signer })
    answerFirstRun(runConfig(workspace.home), workspace.path, own.ANTHROPIC_API_KEY)
    const command = [programs.claude, ...claudeArguments(how)]
    return { claude: startConfined(settings, workspace, command, own), meter }
  }
}

/** The command comes on stdin: arguments can be read by every process of the container. */
const shell = ['/bin/bash', '-c', 'exec 2>&1; eval "$(cat)"']

/** Creates what starts bash in the place of claude: with the same confinement, environment and reaper. */
export function createShellLaunch(settings: LaunchSettings): (workspace: Workspace) => Launched {
  const { env, signer = null } = settings
  return workspace => {
    const meter = randomBytes(8).toString('hex')
    const own = claudeEnvironment(env, workspace, { meter, signer })
    return { claude: startConfined(settings, workspace, shell, own), meter }
  }
}

function startConfined(
  { programs, confinement, orphans, hasServers, giveUp }: LaunchSettings,
  workspace: Workspace,
  command: readonly string[],
  env: NodeJS.ProcessEnv,
): ClaudeProcess {
  const folder = confinement && !confinement.alone ? openRootSync(workspace.path) : null
  try {
    return startClaude({
      file: programs.reaper,
      args: [...(confinement ? confineCommand(workspace, confinement) : []), ...command],
      cwd: workspace.path,
      folder,
      env,
      orphans,
      hasServers,
      giveUp,
    })
  } finally {
    // The process has inherited it by now.
    if (folder !== null) closeSync(folder)
  }
}
