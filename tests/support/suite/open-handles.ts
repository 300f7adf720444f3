import { Socket } from 'node:net'
import { inspect } from 'node:util'

const { _getActiveHandles } = process as unknown as { _getActiveHandles: () => object[] }

/** Remembers which test file opened each handle of this process, for those that are open at the end. */
export function followHandles() {
  const openedBy = new WeakMap<object, string>()
  const timers: { path: string; count: number }[] = []
  return {
    /** Gives all handles without a file to this one. */
    note(path: string): void {
      timers.push({ path, count: countTimers() })
      for (const handle of _getActiveHandles()) {
        if (!openedBy.has(handle)) openedBy.set(handle, path)
      }
    },
    /** Describes what is open, such as `Server of tests/unit/a.test.ts`. */
    open: (): string[] => [
      ...others().map(handle => {
        const { fd, spawnargs } = handle as Described
        const details = { ...(fd && { fd }), ...(spawnargs && { spawnargs }) }
        return `${handle.constructor.name} ${inspect(details, { breakLength: Infinity })} of ${openedBy.get(handle) ?? 'no file'}`
      }),
      ...sinceWhen(timers).map(path => `Timeout of ${path}`),
    ],
  }
}

/** Returns the files after which there were more timers than before, and never as few again. */
function sinceWhen(timers: readonly { path: string; count: number }[]) {
  return timers.flatMap(({ path, count }, index) => {
    const before = timers[index - 1]?.count ?? count
    const later = timers.slice(index).map(each => each.count)
    return before < Math.min(...later) ? [path] : []
  })
}

/** Those that keep the process open. */
function countTimers() {
  return process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
}

type Described = { fd?: number; spawnargs?: string[] }

/** A connection that nobody reads does not notice that its other side has gone; one that is open stays so. */
export function readToTheEnd(): void {
  for (const handle of others()) if (handle instanceof Socket) handle.resume()
}

function others() {
  const ours: readonly object[] = [process.stdout, process.stderr]
  return _getActiveHandles().filter(handle => !ours.includes(handle))
}
