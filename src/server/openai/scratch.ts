import { createHash } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { descend, type OpenFolder, openRootFolder } from '../../files/beneath.ts'
import { HttpError } from '../../tenants/http-error.ts'
import type { Caller } from '../../tenants/tokens.ts'
import { conversationsFolder, workerRoot } from '../../tenants/workspace.ts'
import { emptyFolder } from './empty-folder.ts'

/** A workspace for one request, and the way to give it back when nothing of its run is left. */
export type Scratch = { workspace: string; release: () => Promise<void> }

/** An emptied workspace has a warm process, so that a short wait for it is worthwhile. */
const emptyingMilliseconds = 200

/** `scratch` for a request of its own, `side` for the small calls beside a chat. */
export type ScratchKind = 'scratch' | 'side'

/**
 * Makes workspaces for requests that name none, so that two requests do not wait for each other. A request gets
 * the lowest free number: the warm process of that workspace serves it, and the worker has no more homes than
 * requests that ran at once.
 */
export function createScratch(workspacesFolder: string) {
  /** Those in use, with the promise of being free for those that are being emptied. */
  const taken = new Map<string, Promise<void> | null>()
  /** Emptied since this process began. */
  const empty = new Set<string>()

  const pathOf = ({ tenant, token }: Caller, name: string) => ({
    root: join(workspacesFolder, tenant.name),
    parts: [conversationsFolder, token.name, name],
    workspace: [workerRoot, conversationsFolder, token.name, name].join('/'),
  })

  async function make(caller: Caller, name: string): Promise<OpenFolder> {
    const { root, parts } = pathOf(caller, name)
    const top = await openRootFolder(await realpath(root))
    const { folder, stopped } = await descend(top, parts, { make: true })
    if (stopped === null) return folder
    await folder.close()
    throw new HttpError(409, `${parts.join('/')} is not a folder: remove what is in its place`)
  }

  /** Returns whether the workspace is there and has nothing in it. */
  async function isEmptied(caller: Caller, name: string): Promise<boolean> {
    const folder = await make(caller, name)
    try {
      await emptyFolder(folder)
      return true
    } catch {
      // What an agent left cannot be removed: the number stays out of use.
      return false
    } finally {
      await folder.close()
    }
  }

  return {
    /** Returns the workspace of a conversation, which keeps its files. */
    async ofChat(caller: Caller, chatId: string): Promise<string> {
      const name = `chat-${createHash('sha256').update(chatId).digest('hex').slice(0, 20)}`
      const folder = await make(caller, name)
      await folder.close()
      return pathOf(caller, name).workspace
    },

    /** Returns an empty workspace that no other request has. */
    async take(caller: Caller, kind: ScratchKind): Promise<Scratch> {
      for (let number = 1; ; number++) {
        const name = `${kind}-${number}`
        const { workspace } = pathOf(caller, name)
        const key = `${caller.tenant.name}:${workspace}`
        const freed = taken.get(key)
        if (freed !== undefined && freed !== null)
          await Promise.race([freed, sleep(emptyingMilliseconds)])
        if (taken.has(key)) continue
        taken.set(key, null)
        try {
          if (empty.has(key)) await (await make(caller, name)).close()
          else if (!(await isEmptied(caller, name))) continue
        } catch (error) {
          taken.delete(key)
          throw error
        }
        empty.delete(key)
        const free = async () => {
          if (!(await isEmptied(caller, name).catch(() => false))) {
            taken.set(key, null)
            return
          }
          empty.add(key)
          taken.delete(key)
        }
        const release = () => {
          const freeing = free()
          taken.set(key, freeing)
          return freeing
        }
        return { workspace, release }
      }
    },
  }
}
export type ScratchPlaces = ReturnType<typeof createScratch>
