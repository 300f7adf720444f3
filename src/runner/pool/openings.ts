import { createHash } from 'node:crypto'

/** The lines that a run writes to claude before its prompt, and whether they can be written ahead of the run. */
export type Opening = { text: string; isEarly: boolean }

/** Maximum characters of an opening that is kept for a later process. */
const openingLength = 256 * 1024
const mostWorkspaces = 64

export const digestOfOpening = (text: string) => createHash('sha256').update(text).digest('hex')

/**
 * Predicts the opening of a workspace's next run. A process that has taken one serves no run with another, so
 * that only an opening that came twice in a row is expected again.
 */
export function createOpenings() {
  const last = new Map<string, string>()
  return {
    /** Notes the opening of a run; returns the text to expect next, or null when it is open. */
    note(workspace: string, { text, isEarly }: Opening): string | null {
      const digest = digestOfOpening(text)
      const isRepeated = last.get(workspace) === digest
      // Deleted first: a Map lists the oldest entry first, and the oldest makes room.
      last.delete(workspace)
      last.set(workspace, digest)
      for (const key of [...last.keys()].slice(0, last.size - mostWorkspaces)) last.delete(key)
      return isRepeated && isEarly && text.length <= openingLength ? text : null
    },
  }
}
