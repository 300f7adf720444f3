import { randomBytes } from 'node:crypto'
import { lstatSync, mkdirSync, rmSync } from 'node:fs'
import type { Workspace } from '../workspace.ts'
import { claudeArguments, claudeEnvironment, type LaunchOptions } from './command.ts'
import { type ConfineOptions, confineCommand } from './confine.ts'
import { answerFirstRun } from './home.ts'
import { type ClaudeProcess, startClaude } from './process.ts'

export type LaunchSettings = {
  env: NodeJS.ProcessEnv
  /** The programs before claude's arguments. */
  programs: { reaper: string; claude: string }
  /** Null when the kernel cannot confine. */
  confinement: ConfineOptions | null
  /** Whether all children of init belong to the runner. */
  orphans: boolean
}

/** A started process; the gateway counts its requests under the name `meter`. */
export type Launched = { claude: ClaudeProcess; meter: string }

/** Starts claude below its reaper, confined to the folders of a workspace, which are created first. */
export type Launch = (workspace: Workspace, how: LaunchOptions) => Launched

export function createLaunch({ env, programs, confinement, orphans }: LaunchSettings): Launch {
  const seeded = new Set<string>()

  function prepare(workspace: Workspace) {
    mkdirSync(workspace.home, { recursive: true, mode: 0o700 })
    makeTemporary(workspace.temporary)
    if (seeded.has(workspace.key)) return
    answerFirstRun(`${workspace.home}/.claude`, workspace.path, env.ANTHROPIC_API_KEY)
    seeded.add(workspace.key)
  }

  return (workspace, how) => {
    prepare(workspace)
    const meter = randomBytes(8).toString('hex')
    const claude = startClaude({
      file: programs.reaper,
      args: [
        ...(confinement ? confineCommand(workspace, confinement) : []),
        programs.claude,
        ...claudeArguments(how),
      ],
      cwd: workspace.path,
      env: claudeEnvironment(env, workspace, meter),
      orphans,
    })
    return { claude, meter }
  }
}

/** Creates the run's folder in /tmp. Earlier runs may have put anything in its place, and must not block it. */
function makeTemporary(folder: string) {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) {
    rmSync(folder, { force: true })
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
}
