import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { replaceFile, type StateFolder } from '../state-folder.ts'
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
}

export type GeneratedFile = {
  /** In the state folder. */
  name: string
  target: string
  text: string
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

/** To be called under the stack's lock. For everybody to read: the agent's user is not always the host's. */
export async function writeCustomFiles(state: StateFolder, { files }: Customisation) {
  for (const { name, text } of files) await replaceFile(join(state.path, name), text, 0o644)
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
export function customisationHash(custom: Customisation): string {
  return createHash('sha256').update(JSON.stringify(custom)).digest('hex').slice(0, 16)
}
