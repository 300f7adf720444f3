import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { messageOf, UserError } from '../../base/errors.ts'
import { defaultTenant } from '../../config/tenants.ts'
import { descend, openRootFolder } from '../../files/beneath.ts'
import { HttpError } from '../../tenants/http-error.ts'
import { type Access, type Caller, callerWithoutToken } from '../../tenants/tokens.ts'
import { defaultPath, findWorkspace, relativePath, workerRoot } from '../../tenants/workspace.ts'
import { type ChatSettings, type OpenChatSettings, settingsInForce } from '../chat-settings.ts'
import type { ChatFile } from './chat-file.ts'

/** Where the runs of a chat are, and how they are made. */
export type ChatRoom = {
  caller: Caller
  /** Absolute path in the worker. */
  workspace: string
  /** Real path of the same folder in the server. */
  folder: string
}

export type ChatRules = {
  settings: ChatSettings
  /** Whether a message goes on with the conversation. */
  continues: boolean
  verbose: number
  maxBudgetUsd: number | undefined
  timeoutSeconds: number | undefined
  /** Prints the words of a voice message. */
  transcribe: string | undefined
}

/** What a job of a chat runs with, in the keys of cron.yml. */
export type ChatJob = { token?: string; tenant?: string; workspace: string } & Pick<
  ChatSettings,
  'model' | 'effort' | 'system_prompt' | 'append_system_prompt'
> & { max_budget_usd?: number }

/** Where a job runs that a chat has added. */
export type JobPlace = {
  caller: { token: string } | { tenant: string }
  workspace: string | undefined
}

export type ChatPlaces = ReturnType<typeof createChatPlaces>

/** Finds caller, workspace and settings of a chat, as they are now. */
export function createChatPlaces(parts: {
  file: ChatFile
  chosen: OpenChatSettings
  access: Pick<Access, 'named' | 'tenants'>
  workspacesFolder: string
}) {
  const { file, chosen, access, workspacesFolder } = parts

  /** Throws when the token or the tenant of the chat does not exist. */
  function callerOf(chat: number): Caller {
    const { default: common, chats } = file.current()
    const entry = chats[chat]
    // One of its own stands for both: the token of all chats belongs to another tenant.
    const own = entry?.token !== undefined || entry?.tenant !== undefined
    const { token, tenant } = own ? (entry ?? common) : common
    if (token !== undefined) {
      const found = access.named(token)
      if (found) return found
      throw new UserError(`the token ${token} of this chat does not exist`, {
        hint: 'correct telegram.yml on the host',
      })
    }
    const tenants = access.tenants()
    const name = tenant ?? defaultTenant
    const found = tenants.find(one => one.name === name) ?? (tenant ? undefined : tenants[0])
    if (found) return callerWithoutToken('telegram', found)
    throw new UserError(`the tenant ${name} of this chat does not exist`, {
      hint: 'correct telegram.yml on the host',
    })
  }

  function folderOf(chat: number, { token }: Caller) {
    const named = file.current().chats[chat]?.workspace
    const isOwn = named === undefined && token.workspaces === undefined
    return { named, own: `chat_${Math.abs(chat)}`, isOwn }
  }

  function accountOf({ token: { name }, tenant }: Caller): JobPlace['caller'] {
    return access.named(name) ? { token: name } : { tenant: tenant.name }
  }

  /** Returns the chat's workspace. Makes the one that a chat has by default. */
  async function roomOf(chat: number): Promise<ChatRoom> {
    const caller = callerOf(chat)
    const { named, own, isOwn } = folderOf(chat, caller)
    const root = await realpath(join(workspacesFolder, caller.tenant.name))
    if (isOwn) {
      const { folder, stopped } = await descend(await openRootFolder(root), [own], {
        make: true,
      })
      await folder.close()
      if (stopped !== null) throw new HttpError(409, `${own} is not a folder`)
    }
    const workspace = await findWorkspace(isOwn ? own : named, caller, workspacesFolder)
    const folder = join(root, workspace.slice(workerRoot.length))
    return { caller, workspace, folder }
  }

  /** Returns what holds in a chat: what was chosen there, over its part of the file, over the default. */
  function rulesOf(chat: number): ChatRules {
    const { default: common, chats } = file.current()
    const entry = chats[chat] ?? {}
    const of = (given: object) => {
      const { model, effort, system_prompt, append_system_prompt } = given as ChatSettings
      const all = { model, effort, system_prompt, append_system_prompt }
      const present = Object.entries(all).filter(([, value]) => value !== undefined)
      return Object.fromEntries(present) as ChatSettings
    }
    const own = chosen.of(chat)
    const verbose = own.verbose === undefined ? undefined : Number(own.verbose)
    return {
      settings: settingsInForce({ chosen: of(own), chat: of(entry), default: of(common) }),
      continues: entry.continue ?? common.continue ?? true,
      verbose: verbose ?? entry.verbose ?? common.verbose ?? 1,
      maxBudgetUsd: entry.max_budget_usd ?? common.max_budget_usd,
      timeoutSeconds: entry.timeout_seconds ?? common.timeout_seconds,
      transcribe: entry.transcribe ?? common.transcribe,
    }
  }

  return {
    callerOf,
    roomOf,
    rulesOf,

    /** Returns why a job must not run where its chat was when it was added; null while the chat is there. */
    refusalOf(chat: number, job: JobPlace): string | null {
      try {
        const caller = callerOf(chat)
        const { named, own, isOwn } = folderOf(chat, caller)
        const path = isOwn ? own : relativePath(named ?? '') || defaultPath(caller)
        const isThere = job.workspace === path && isDeepStrictEqual(job.caller, accountOf(caller))
        return isThere ? null : `chat ${chat} has another token, tenant or workspace by now`
      } catch (error) {
        return messageOf(error)
      }
    },

    /** Returns what a job that the chat adds runs with. */
    async jobOf(chat: number): Promise<ChatJob> {
      const { caller, workspace } = await roomOf(chat)
      const { settings, maxBudgetUsd } = rulesOf(chat)
      return {
        ...settings,
        ...accountOf(caller),
        workspace: workspace.slice(workerRoot.length + 1),
        ...(maxBudgetUsd !== undefined && { max_budget_usd: maxBudgetUsd }),
      }
    },
  }
}
