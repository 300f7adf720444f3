/**
 * Removes the conversations of Claude Code from a home volume. Runs in a container that mounts only that
 * volume. A single file without imports of ours, because it is passed to `node --eval`. The agent wrote
 * the volume: symlinks are not followed, and only regular files are read.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

/** Entries of a config folder that hold conversations; login, settings, plugins and skills stay. */
const ofConversations = [
  'agent-memory',
  // Copies of .claude.json, with its data on conversations.
  'backups',
  'checkpoints',
  'debug',
  'downloads',
  'file-history',
  'history.jsonl',
  'image-cache',
  'input-history.jsonl',
  'jobs',
  'mailbox',
  'paste-cache',
  'plans',
  'projects',
  'scratchpad',
  'session-env',
  'sessions',
  'shell-snapshots',
  'stats-cache.json',
  'tasks',
  'teams',
  'telemetry',
  'todos',
  'transcripts',
  'uploads',
  'usage-data',
]

const configLimit = 32 * 1024 * 1024

/** Removes the conversations of the home itself, and of each workspace with its own home in it. */
export function forget(home: string): void {
  openFolder(home)
  const homes = [home, ...foldersIn(join(home, 'workspaces'))].filter(openFolder)
  for (const folder of homes) {
    forgetInConfig(join(folder, '.claude.json'))
    const config = join(folder, '.claude')
    if (!openFolder(config)) continue
    forgetInConfig(join(config, '.claude.json'))
    for (const name of ofConversations) remove(join(config, name))
  }
}

function foldersIn(path: string): string[] {
  if (!openFolder(path)) return []
  return readdirSync(path, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => join(path, entry.name))
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** Returns whether it is a folder. The agent may have closed it; we run as its owner, and can change the mode. */
function openFolder(path: string): boolean {
  if (!isFolder(path)) return false
  const { mode, uid } = lstatSync(path)
  if ((mode & 0o700) !== 0o700 && uid === process.getuid?.())
    chmodSync(path, (mode & 0o7777) | 0o700)
  return true
}

/** Makes closed folders accessible first. Their paths may be longer than the kernel takes. */
const removal = String.raw`find "$1" -type d ! -perm -u=rwx -execdir chmod u+rwx {} \;
rm -rf -- "$1"`

function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch (error) {
    const { status } = spawnSync('/bin/sh', ['-c', removal, 'sh', path], { stdio: 'ignore' })
    if (status !== 0) throw error
  }
}

/** Removes the data on each folder's last conversation from `.claude.json`; keeps everything else. */
function forgetInConfig(path: string): void {
  const config = readConfig(path)
  const projects = config?.projects
  if (typeof projects !== 'object' || projects === null) return
  for (const project of Object.values(projects)) {
    if (typeof project !== 'object' || project === null) continue
    for (const key of Object.keys(project)) {
      if (/^(history$|last[A-Z]|exampleFiles)/.test(key)) delete project[key]
    }
  }
  const next = `${path}.${process.pid}.tmp`
  rmSync(next, { recursive: true, force: true })
  writeFileSync(next, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  renameSync(next, path)
}

/** Returns null for a missing file, or one that is not a JSON object: Claude Code cannot read it either. */
function readConfig(path: string): { projects?: unknown } | null {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch {
    return null
  }
  try {
    const { size } = fstatSync(file)
    if (!fstatSync(file).isFile() || size > configLimit) return null
    const value = JSON.parse(readFileSync(file, 'utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
  } catch {
    return null
  } finally {
    closeSync(file)
  }
}

if (process.argv[1] === 'forget' && process.argv[2]) {
  try {
    forget(process.argv[2])
  } catch (error) {
    // One line: Node.js would end its own report with its version.
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}
