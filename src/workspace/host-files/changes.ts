import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../../base/command.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { closedFolder, type HostFile, type HostFiles, scanHostFiles } from './scan.ts'

/** A file that runs on the host on request and that changed since before the agent started. */
export type HostFileChange = {
  /**
   * Relative to the workspace, or absolute in a repository outside it. As the agent named it: sanitize it
   * before display.
   */
  path: string
  kind: 'new' | 'changed' | 'removed' | 'not checked'
  /** Parts of a package.json; the reason why something was not checked. */
  detail: string
}

type Recorded = { files: [string, HostFile][]; cutOff: string | null; repository?: string }

/** Returns the path of the record of these files in a state folder. */
export function hostFilesPath(stateFolder: string): string {
  return join(stateFolder, 'host-files.json')
}

/** `repository`: a repository outside the workspace, in which the agent can write too. */
export function renderHostFiles({ files, cutOff }: HostFiles, repository?: string): string {
  return JSON.stringify({ files: [...files], cutOff, ...(repository && { repository }) })
}

/** Scans a workspace, and the repository that its `.git` file names; the latter by absolute paths. */
export async function scanWithRepository(
  workspace: string,
  repository?: string,
): Promise<HostFiles> {
  const found = await scanHostFiles(workspace)
  if (repository === undefined) return found
  const { files, cutOff } = await scanHostFiles(repository)
  for (const [path, file] of files) found.files.set(join(repository, path), file)
  return { files: found.files, cutOff: found.cutOff ?? cutOff }
}

/**
 * Returns the changes since the stack came up; empty when nothing was recorded then, as for a copy. A
 * scan that reached a limit reports that as a separate change.
 */
export async function hostFileChanges(
  stateFolder: string,
  workspace: string,
): Promise<HostFileChange[]> {
  const text = await readFile(hostFilesPath(stateFolder), 'utf8').catch(() => null)
  if (text === null) return []
  const { files, cutOff, repository }: Recorded = JSON.parse(text)
  const now = await scanWithRepository(workspace, repository)
  return compareHostFiles({ files: new Map(files), cutOff }, now)
}

export function compareHostFiles(before: HostFiles, after: HostFiles): HostFileChange[] {
  const changes: HostFileChange[] = []
  const cutOff = before.cutOff ?? after.cutOff
  for (const [path, now] of after.files) {
    const was = before.files.get(path)
    if (now === closedFolder) {
      const detail = `you cannot read the folder ${path}`
      if (was !== now) changes.push({ path, kind: 'not checked', detail })
      continue
    }
    if (was === undefined) {
      // An incomplete first scan cannot show which files are new.
      if (!before.cutOff) changes.push({ path, kind: 'new', detail: '' })
      continue
    }
    const detail = difference(was, now)
    if (detail !== null) changes.push({ path, kind: 'changed', detail })
  }
  for (const path of before.files.keys()) {
    if (!after.files.has(path) && !after.cutOff) changes.push({ path, kind: 'removed', detail: '' })
  }
  changes.sort((a, b) => (a.path < b.path ? -1 : 1))
  if (cutOff) changes.push({ path: '.', kind: 'not checked', detail: cutOff })
  return changes
}

/** Returns null when no relevant part differs. */
function difference(was: HostFile, now: HostFile): string | null {
  if (typeof was === 'string' || typeof now === 'string') return was === now ? null : ''
  const names = [...new Set([...Object.keys(was), ...Object.keys(now)])]
  const differing = names.filter(name => was[name] !== now[name])
  return differing.length === 0 ? null : differing.sort().join(', ')
}

/** Maximum lines: users do not read more after a session. */
const shown = 10

/** Renders lines for a terminal; none when nothing changed. Omits removed files, which cannot run. */
export function renderHostFileChanges(changes: readonly HostFileChange[], limit = shown): string[] {
  const [first, ...more] = changes.filter(({ kind }) => kind !== 'removed').map(changeText)
  if (first === undefined) return []
  const listed = more.slice(0, limit - 1)
  const left = more.length - listed.length
  return [
    `read before you run anything here: ${first}`,
    ...listed.map(text => `  ${text}`),
    ...(left > 0 ? [`  and ${left} more: ${command('audit')}`] : []),
  ]
}

function changeText({ path, kind, detail }: HostFileChange) {
  if (kind === 'not checked') return `not all files were checked: ${terminalLine(detail)}`
  return `${terminalLine(path)} (${terminalLine(detail || kind)})`
}
