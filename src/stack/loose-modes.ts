import { join } from 'node:path'
import { terminalLine } from '../base/terminal-text.ts'
import { openClosedFolder } from '../workspace/host-files/closed-folders.ts'
import { clearSetuid, findLooseModes, type LooseModes } from '../workspace/host-files/modes.ts'

/** Maximum files of a kind in one line. */
const shown = 5

/** The folders that an agent can write, and when its stack started. */
export type Watched = { roots: readonly string[]; since: number }

/** Finds files whose mode the agent loosened since the stack's start. */
export function looseModes(watched: Watched): Promise<(LooseModes & { root: string })[]> {
  return find(watched, {})
}

function find({ roots, since }: Watched, { reopens = false }: { reopens?: boolean }) {
  return Promise.all(
    roots.map(async root => {
      const reopen = reopens ? (path: string) => openClosedFolder(root, path) : undefined
      return { root, ...(await findLooseModes(root, since, undefined, reopen)) }
    }),
  )
}

/**
 * Takes the setuid and setgid bits off files that changed since the stack's start, also in folders that
 * the agent closed to their owner, and returns lines for the user about both, and about files that every
 * user may write (threat H7).
 */
export async function settleModes(watched: Watched): Promise<string[]> {
  const lines: string[] = []
  for (const { root, setuid, writable, closed, cutOff } of await find(watched, { reopens: true })) {
    const cleared: string[] = []
    const kept: string[] = []
    for (const path of setuid) ((await clearSetuid(root, path)) ? cleared : kept).push(path)
    const add = (paths: readonly string[], text: (names: string) => string) => {
      if (paths.length > 0) lines.push(text(someOf(paths.map(path => join(root, path)))))
    }
    add(closed, names => `opened ${names}, which the agent had closed to you`)
    add(cleared, names => `took the setuid and setgid bits off ${names}`)
    add(kept, names => `the setuid or setgid bits of ${names} cannot be taken off: run chmod ug-s`)
    add(writable, names => `every user of this machine may write ${names}: run chmod o-w`)
    if (cutOff) lines.push(`not all files were checked for setuid bits: ${terminalLine(cutOff)}`)
  }
  return lines
}

function someOf(paths: readonly string[]) {
  const names = paths.slice(0, shown).map(path => terminalLine(path))
  const more = paths.length - names.length
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
