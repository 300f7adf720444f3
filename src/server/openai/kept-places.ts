import { createHash } from 'node:crypto'
import { lstat, opendir, rmdir, utimes } from 'node:fs/promises'
import { messageOf } from '../../base/errors.ts'
import { TokenName } from '../../config/tenants.ts'
import { descend, type OpenFolder, openRootFolder } from '../../files/beneath.ts'
import { keptPlaceName } from '../../run/conversations.ts'
import type { ServerLog } from '../../tenants/server-log.ts'
import type { Caller } from '../../tenants/tokens.ts'
import {
  conversationWorkspace,
  findConversations,
  type Owner,
  openConversation,
} from './conversation-folders.ts'
import { emptyFolder } from './empty-folder.ts'
import type { Scratch } from './scratch.ts'

/** What a client names a conversation, or its user, by. */
export type PlaceKey = { kind: 'chat' | 'user'; id: string }

/** Maximum number of entries of a folder that are looked at: an agent in the root workspace can make more. */
const mostEntries = 10_000

export type KeptPlacesOptions = {
  workspacesFolder: string
  /** Returns the names of the tenants. */
  tenants: () => readonly string[]
  /** Returns whether a run in progress works in this workspace. */
  isRunning: (tenant: string, workspace: string) => boolean
  now: () => Date
  log: ServerLog
  /** Maximum number of places that one token has. */
  most?: number
  /** Days after which a place that no request used is removed. */
  days?: number
}

/**
 * Keeps a workspace with its files for each conversation that a client names. A token that has many loses those
 * that it has not used for longest, so that names which a client makes up do not fill the disk (threat M6).
 */
export function createKeptPlaces(options: KeptPlacesOptions) {
  const { workspacesFolder, tenants, isRunning, now, log, most = 200, days = 30 } = options
  /** Number of requests that use a place. */
  const used = new Map<string, number>()
  /** Those that are being removed. */
  const leaving = new Map<string, Promise<void>>()
  /** Tokens whose places are looked at next. */
  const waiting = new Set<string>()
  let pruning = Promise.resolve()

  const keyOf = ({ tenant }: Owner, workspace: string) => `${tenant}:${workspace}`
  const isUsed = (owner: Owner, workspace: string) =>
    used.has(keyOf(owner, workspace)) || isRunning(owner.tenant, workspace)

  /** Removes one place, unless a request took it meanwhile. */
  async function remove(inside: OpenFolder, owner: Owner, name: string): Promise<void> {
    const workspace = conversationWorkspace(owner, name)
    const key = keyOf(owner, workspace)
    if (isUsed(owner, workspace)) return
    const gone = removeFolder(inside, name).catch(error =>
      log({ kind: 'warn', message: `cannot remove ${workspace}: ${messageOf(error)}`, ...owner }),
    )
    leaving.set(key, gone)
    await gone
    leaving.delete(key)
  }

  async function pruneToken(owner: Owner): Promise<void> {
    const inside = await findConversations(workspacesFolder, owner.tenant, owner.token)
    if (!inside) return
    try {
      const oldest = now().getTime() - days * 86_400_000
      const places = await placesIn(inside)
      for (const [index, { name, usedAt }] of places.entries()) {
        if (index < places.length - most || usedAt < oldest) await remove(inside, owner, name)
      }
    } finally {
      await inside.close()
    }
  }

  /** One after the other: each holds descriptors. */
  function inTurn(work: () => Promise<void>) {
    pruning = pruning
      .then(work)
      .catch(error => log({ kind: 'error', message: `pruning failed: ${messageOf(error)}` }))
    return pruning
  }

  function pruneSoon(owner: Owner) {
    const key = keyOf(owner, owner.token)
    if (waiting.has(key)) return
    waiting.add(key)
    void inTurn(() => {
      waiting.delete(key)
      return pruneToken(owner)
    })
  }

  return {
    workspaceOf: (caller: Caller, place: PlaceKey) =>
      conversationWorkspace(ownerOf(caller), nameOf(place)),

    isUsed: (caller: Caller, workspace: string) => isUsed(ownerOf(caller), workspace),

    /** Returns the workspace of a conversation. `release` ends its use, and keeps the files. */
    async take(caller: Caller, place: PlaceKey): Promise<Scratch> {
      const [owner, name] = [ownerOf(caller), nameOf(place)]
      const workspace = conversationWorkspace(owner, name)
      const key = keyOf(owner, workspace)
      used.set(key, (used.get(key) ?? 0) + 1)
      const release = async () => {
        const left = (used.get(key) ?? 1) - 1
        if (left > 0) used.set(key, left)
        else used.delete(key)
      }
      try {
        await leaving.get(key)
        const folder = await openConversation(workspacesFolder, owner, name)
        // For the time of its last use, which is the only one that an agent cannot set back.
        const path = `/proc/self/fd/${folder.file.fd}`
        await utimes(path, now(), now()).finally(() => folder.close())
      } catch (error) {
        await release()
        throw error
      }
      pruneSoon(owner)
      return { workspace, release }
    },

    /** Removes the places of all tokens that are too old, also of those that were revoked. */
    prune: () =>
      inTurn(async () => {
        for (const tenant of tenants()) {
          const all = await findConversations(workspacesFolder, tenant)
          if (!all) continue
          const isToken = (name: string) => TokenName.safeParse(name).success
          const tokens = await namesIn(all, isToken).finally(() => all.close())
          for (const token of tokens) await pruneToken({ tenant, token })
        }
      }),
  }
}
export type KeptPlaces = ReturnType<typeof createKeptPlaces>

function ownerOf({ tenant, token }: Caller): Owner {
  return { tenant: tenant.name, token: token.name }
}

function nameOf({ kind, id }: PlaceKey): string {
  return `${kind}-${createHash('sha256').update(id).digest('hex').slice(0, 20)}`
}

/** Lists the places in a token's folder, the one unused for longest first. */
async function placesIn(folder: OpenFolder): Promise<{ name: string; usedAt: number }[]> {
  const places: { name: string; usedAt: number }[] = []
  for (const name of await namesIn(folder, name => keptPlaceName.test(name))) {
    const stats = await lstat(folder.at(name)).catch(() => null)
    if (stats?.isDirectory()) places.push({ name, usedAt: stats.ctimeMs })
  }
  return places.sort((a, b) => a.usedAt - b.usedAt)
}

async function namesIn(folder: OpenFolder, isWanted: (name: string) => boolean): Promise<string[]> {
  const names: string[] = []
  let entries = 0
  for await (const { name } of await opendir(`/proc/self/fd/${folder.file.fd}`)) {
    if (isWanted(name)) names.push(name)
    if (++entries === mostEntries) break
  }
  return names
}

async function removeFolder(inside: OpenFolder, name: string): Promise<void> {
  const again = await openRootFolder(`/proc/self/fd/${inside.file.fd}`)
  const { folder, stopped } = await descend(again, [name])
  try {
    if (stopped !== null) return
    await emptyFolder(folder)
  } finally {
    await folder.close()
  }
  await rmdir(inside.at(name))
}
