import { createHash } from 'node:crypto'
import { chmod, chown, lstat, readdir, realpath, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { GitRepository } from '../../config/git-repositories.ts'
import { makeTreeReadable } from '../../files/readable.ts'
import { replaceFile } from '../../files/replace-file.ts'
import type { StateFolder } from '../state/state-folder.ts'
import type { AddedService, Hardening } from './added-service.ts'
import type { DeclaredMount } from './declared-mounts.ts'
import { gitHostsFolder, gitHostsTarget, writeGitHosts } from './git.ts'
import { type OwnPlace, sensitivePathReason } from './sensitive-paths.ts'

/**
 * Returns the real path of the user's additions folder (CUSTOM_DIR), or null when there is none: only the default one
 * may be missing. Rejects a folder that an agent can write to or that holds anything but additions.
 */
export async function findAdditionsFolder(
  path: string,
  options: { named: boolean; own: readonly OwnPlace[] },
): Promise<string | null> {
  const real = await realpath(path).catch((cause: NodeJS.ErrnoException) => {
    if (!options.named && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')) return null
    throw new UserError(`CUSTOM_DIR=${terminalLine(path)} cannot be read: ${cause.code}`, {
      hint: 'create the folder, or remove CUSTOM_DIR from .env',
      cause,
    })
  })
  if (real === null) return null
  const reason = (await stat(real)).isDirectory()
    ? await sensitivePathReason(real, true, options.own)
    : 'it is not a folder'
  if (reason) {
    throw new UserError(`CUSTOM_DIR=${terminalLine(path)} is refused: ${terminalLine(reason)}`, {
      hint: 'use a folder that holds your additions for the agent and nothing else',
    })
  }
  return real
}

/**
 * Returns the additions folder's `bin`, or null when there is none. It is mounted, so it is made readable for an agent
 * that has another uid than its owner.
 */
export async function findBin(
  folder: string,
  agent: { uid: number; gid: number },
): Promise<string | null> {
  const path = join(folder, 'bin')
  const status = await lstat(path).catch(() => null)
  if (!status) return null
  if (!status.isDirectory()) {
    throw new UserError(`${terminalLine(path)} is not a folder`, {
      hint: 'replace it with a folder: a symlink could lead anywhere on the host',
    })
  }
  if (status.uid === agent.uid) return path
  await makeTreeReadable(path).catch((cause: unknown) => {
    throw new UserError(
      `the agent (uid ${agent.uid}) cannot read ${terminalLine(path)}: ${messageOf(cause)}`,
      { hint: `run chmod -R a+rX ${terminalLine(path)} as its owner`, cause },
    )
  })
  return path
}

/** The user's additions to both agent containers, the interactive one and the one for runs. */
export type Additions = {
  environment: Readonly<Record<string, string>>
  /** Host paths, mounted at targets that the user chose. */
  declared: readonly DeclaredMount[]
  /** Host folders, mounted read-only at fixed targets. */
  folders: readonly { source: string; target: string }[]
  /** Files generated on the host, kept in the state folder and read-only for the agent. */
  files: readonly GeneratedFile[]
  /** Names on the allowlist, whose ssh remotes git reaches over https; null without that file. */
  gitHosts: readonly string[] | null
  /** Repositories that the gateway reaches with the user's token; none by default. */
  repositories?: readonly GitRepository[]
  /** Run by bash as the agent, once in each new container. */
  setupCommands: readonly string[]
  /** Services beside the agent, and the hardening that each gets; none without any. */
  services?: { added: readonly AddedService[]; hardening: Hardening }
  /** True when a question could not be asked without a terminal: the next `start` must ask it. */
  unanswered?: boolean
}

export type GeneratedFile = {
  /** File name in the state folder. */
  name: string
  target: string
  text: string
  /** Readable by the agent only, as ssh requires of a key. */
  secret?: boolean
}

export const noAdditions: Additions = {
  environment: {},
  declared: [],
  folders: [],
  files: [],
  gitHosts: null,
  setupCommands: [],
}

/** Paths of the additions in the containers. */
export const additionTargets = {
  /** The image puts it first in PATH. */
  bin: '/etc/claude-secure/custom/bin',
  systemPrompt: '/etc/claude-secure/append-system-prompt.md',
  /** Claude Code starts only the servers in this file. */
  mcpServers: '/etc/claude-secure/mcp.json',
  gitIdentity: '/etc/claude-secure/identity.gitconfig',
} as const

/**
 * Writes the generated files; call it under the stack's lock. Files that are not secret are readable by
 * all users, because the agent's uid may differ from the host's. Only its owner can open the folder.
 */
export async function writeAdditionFiles(
  state: StateFolder,
  { files, gitHosts }: Additions,
  agent: { uid: number; gid: number },
) {
  if (gitHosts) await writeGitHosts(state, gitHosts)
  for (const { name, text, secret } of files) {
    const path = join(state.path, name)
    await replaceFile(path, text, { mode: secret ? 0o600 : 0o644 })
    if (secret) await giveTo(path, agent)
  }
  // Remove keys that the agent no longer has.
  for (const name of await readdir(state.path)) {
    if (!name.startsWith('ssh-') || files.some(file => file.name === name)) continue
    await rm(join(state.path, name), { force: true })
  }
}

/** ssh rejects a key that its user owns and others can read, but accepts a readable key of another user. */
async function giveTo(path: string, agent: { uid: number; gid: number }) {
  const uid = process.getuid?.()
  if (uid === 0) await chown(path, agent.uid, agent.gid)
  await chmod(path, uid === 0 || uid === agent.uid ? 0o400 : 0o444)
}

/** Returns all mounts of the additions, for both agent services. */
export function additionMounts(
  state: Pick<StateFolder, 'path'>,
  { declared, folders, files, gitHosts }: Additions,
): DeclaredMount[] {
  const readOnly = { writable: false }
  return [
    ...declared,
    ...folders.map(folder => ({ ...folder, ...readOnly })),
    ...files.map(({ name, target }) => ({ source: join(state.path, name), target, ...readOnly })),
    ...(gitHosts ? [{ source: gitHostsFolder(state), target: gitHostsTarget, ...readOnly }] : []),
  ]
}

/**
 * Changes with the text of a generated file: a container keeps the file that it was started with. Not
 * with the list of git's hosts, which it sees as it is.
 */
export function additionsHash({ unanswered: _, gitHosts: __, ...additions }: Additions): string {
  return createHash('sha256').update(JSON.stringify(additions)).digest('hex').slice(0, 16)
}
