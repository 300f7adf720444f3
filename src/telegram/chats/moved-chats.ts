import type { Records } from '../../tenants/store/records.ts'

const kind = 'moved'

/**
 * Remembers the groups that have become supergroups: Telegram gives such a group another id. telegram.yml, workspace
 * and settings go on with the first one. Only what Telegram itself says is noted here.
 */
export function openMovedChats(records: Records) {
  const homes = new Map<number, number>(
    records.list(kind).map(({ key, value }) => [Number(key), Number(value)]),
  )
  const homeOf = (chat: number) => homes.get(chat) ?? chat

  return {
    /** Returns the id by which telegram.yml knows a chat. */
    homeOf,

    note(from: number, to: number) {
      const home = homeOf(from)
      if (home === to || homes.get(to) === home) return
      homes.set(to, home)
      records.put(kind, String(to), home)
    },

    /** Returns the moves, for the sender. */
    all: (): [from: number, to: number][] => [...homes].map(([to, home]) => [home, to]),
  }
}
export type MovedChats = ReturnType<typeof openMovedChats>
