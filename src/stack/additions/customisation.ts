import { createHash } from 'node:crypto'
import { chmod, chown, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../../files/replace-file.ts'
import type { StateFolder } from '../state/state-folder.ts'
import type { DeclaredMount } from './declared-mounts.ts'

/** What the user adds to the agent's containers, the interactive one and the one for runs alike. */
export type Customisation = {
  environment: Readonly<Record<string, string>>
  /** Of the host, at places that the user chose. */
  declared: readonly DeclaredMount[]
  /** Folders of the host, read-only, at places of ours. */
  folders: readonly { source: string; target: string }[]
  /** Made on the host from what the user has, kept in the state folder, and read-only for the agent. */
  files: readonly GeneratedFile[]
  /** Run by bash as the agent, once in each new container. */
  setupCommands: readonly string[]
  /** There was something to ask and nobody to ask it of: the next `start` has to come by here. */
  unanswered?: boolean
}

export type GeneratedFile = {
  /** In the state folder. */
  name: string
  target: string
  text: string
  /** For the agent and nobody else, as ssh demands it of a key. */
  secret?: boolean
}

export const noCustomisation: Customisation = {
  environment: {},
  declared: [],
  folders: [],
  files: [],
  setupCommands: [],
}

/** Where the parts of it are in the containers. */
export const customTargets = {
  /** First in PATH by the image. */
  bin: '/etc/claude-secure/custom/bin',
  systemPrompt: '/etc/claude-secure/append-system-prompt.md',
  /** Claude Code starts the servers in it and no others. */
  mcpServers: '/etc/claude-secure/mcp.json',
  gitIdentity: '/etc/claude-secure/identity.gitconfig',
} as const

/**
 * To be called under the stack's lock. For everybody to read, where nothing is secret: the agent's user
 * is not always the host's. The folder itself is its owner's alone.
 */
export async function writeCustomFiles(
  state: StateFolder,
  { files }: Customisation,
  agent: { uid: number; gid: number },
) {
  for (const { name, text, secret } of files) {
    const path = join(state.path, name)
    await replaceFile(path, text, { mode: secret ? 0o600 : 0o644 })
    if (secret) await giveTo(path, agent)
  }
  // A key that is not the agent's any more is not kept.
  for (const name of await readdir(state.path)) {
    if (!name.startsWith('ssh-') || files.some(file => file.name === name)) continue
    await rm(join(state.path, name), { force: true })
  }
}

/** ssh refuses a key of its own user that others may read, and takes one of another user that it can. */
async function giveTo(path: string, agent: { uid: number; gid: number }) {
  const uid = process.getuid?.()
  if (uid === 0) await chown(path, agent.uid, agent.gid)
  await chmod(path, uid === 0 || uid === agent.uid ? 0o400 : 0o444)
}

/** All mounts of it, for both of the agent's services. */
export function customMounts(
  state: Pick<StateFolder, 'path'>,
  { declared, folders, files }: Customisation,
): DeclaredMount[] {
  const readOnly = { writable: false }
  return [
    ...declared,
    ...folders.map(folder => ({ ...folder, ...readOnly })),
    ...files.map(({ name, target }) => ({ source: join(state.path, name), target, ...readOnly })),
  ]
}

/** Changes with the text of a generated file: a container keeps the file that it was started with. */
export function customisationHash({ unanswered: _, ...custom }: Customisation): string {
  return createHash('sha256').update(JSON.stringify(custom)).digest('hex').slice(0, 16)
}
