import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { descend, type OpenFolder, openRootFolder } from '../../files/beneath.ts'
import { conversationsFolder } from '../../run/conversations.ts'
import { HttpError } from '../../tenants/http-error.ts'
import { workerRoot } from '../../tenants/workspace.ts'

/** The names of a tenant and of one of its tokens. */
export type Owner = { tenant: string; token: string }

/** Returns the workspace of a conversation: an absolute path in the worker. */
export function conversationWorkspace({ token }: Owner, name: string): string {
  return [workerRoot, conversationsFolder, token, name].join('/')
}

/** Opens the folder of a conversation, and makes it if it is missing. The caller closes it. */
export async function openConversation(
  workspacesFolder: string,
  { tenant, token }: Owner,
  name: string,
): Promise<OpenFolder> {
  const parts = [conversationsFolder, token, name]
  const top = await openRootFolder(await realpath(join(workspacesFolder, tenant)))
  const { folder, stopped } = await descend(top, parts, { make: true })
  if (stopped === null) return folder
  await folder.close()
  throw new HttpError(409, `${parts.join('/')} is not a folder: remove what is in its place`)
}

/** Opens the folder of a tenant's conversations, or of one of its tokens; null when it is missing. */
export async function findConversations(
  workspacesFolder: string,
  tenant: string,
  token?: string,
): Promise<OpenFolder | null> {
  const root = await realpath(join(workspacesFolder, tenant)).catch(() => null)
  if (root === null) return null
  const parts = [conversationsFolder, ...(token === undefined ? [] : [token])]
  const { folder, stopped } = await descend(await openRootFolder(root), parts)
  if (stopped === null) return folder
  await folder.close()
  return null
}
