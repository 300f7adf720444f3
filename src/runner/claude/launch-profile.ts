import { createHash } from 'node:crypto'
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { RunRequest } from '../../run/request.ts'
import type { Workspace } from '../workspace.ts'

/** What a process that waits was started with. */
export type LaunchProfile = Partial<Pick<RunRequest, 'model' | 'effort' | 'tools'>>

/**
 * Names that a process takes at any time without asking the API; for others Claude Code makes a request
 * of its own first.
 */
const knownModels = /^(opus|sonnet|haiku)(\[1m\])?$/

/** Whether a process that was started for nobody can still become the one for this request. */
export function fitsFresh(profile: LaunchProfile, request: RunRequest): boolean {
  const { model, effort, tools, maxTurns, maxBudgetUsd } = request
  if (maxTurns !== undefined || maxBudgetUsd !== undefined) return false
  if (JSON.stringify(tools) !== JSON.stringify(profile.tools)) return false
  if (profile.effort !== undefined && profile.effort !== effort) return false
  if (profile.model !== undefined) return profile.model === model
  return model === undefined || knownModels.test(model)
}

/**
 * Everything that is said once in the life of a process, as one word. A process lives on only for a
 * request with the same; limits count over its whole life, so with one of them it does not live on.
 */
export function lifeOf(request: RunRequest): string | null {
  const { prompt, session, timeoutSeconds, maxTurns, maxBudgetUsd, ...life } = request
  if (maxTurns !== undefined || maxBudgetUsd !== undefined) return null
  return hash(JSON.stringify(Object.entries(life).sort(([a], [b]) => (a < b ? -1 : 1))))
}

const rootFiles = ['CLAUDE.md', 'CLAUDE.local.md', '.mcp.json']
const mostFiles = 500

/**
 * The files that Claude Code reads when it starts, as they look from outside: a process that started
 * with other ones is out of date.
 */
export function startFiles({ path, home }: Workspace): string {
  const seen: string[] = []
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

/** Bounded: the folder is the agent's to fill. Links are not followed. */
function filesBelow(folder: string): string[] {
  const found: string[] = []
  const queue = [folder]
  for (const next of queue) {
    for (const entry of entriesOf(next)) {
      const path = join(next, entry.name)
      if (entry.isDirectory()) queue.push(path)
      else found.push(path)
      if (found.length + queue.length > mostFiles) return found
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
