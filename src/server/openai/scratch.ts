import { setTimeout as sleep } from 'node:timers/promises'
import type { Caller } from '../../tenants/tokens.ts'
import { conversationWorkspace, openConversation } from './conversation-folders.ts'
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

  const ownerOf = ({ tenant, token }: Caller) => ({ tenant: tenant.name, token: token.name })
  const make = (caller: Caller, name: string) =>
    openConversation(workspacesFolder, ownerOf(caller), name)

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
    /** Returns an empty workspace that no other request has. */
    async take(caller: Caller, kind: ScratchKind): Promise<Scratch> {
      for (let number = 1; ; number++) {
        const name = `${kind}-${number}`
        const workspace = conversationWorkspace(ownerOf(caller), name)
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
