import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { stackId } from './identity.ts'

/** The properties by which a user identifies a stack. */
export type Candidate = { stack: string; workspace: string | null }

/**
 * Finds the stack that `wanted` names: by id or name, a prefix of either (the name also without
 * `claude-secure-`), or the path of its folder. `hint` is shown when none matches.
 */
export function findStack<T extends Candidate>(
  wanted: string,
  candidates: readonly T[],
  options: { folder: string | null; hint: string },
): T {
  const exact = candidates.filter(
    ({ stack, workspace }) =>
      stack === wanted ||
      stackId(stack) === wanted ||
      (options.folder !== null && workspace === options.folder),
  )
  const begun = candidates.filter(({ stack }) =>
    [stack, stackId(stack), stack.replace(/^claude-secure-/, '')].some(
      name => wanted !== '' && name.startsWith(wanted),
    ),
  )
  const found = exact.length > 0 ? exact : begun
  const [first] = found
  if (first && found.length === 1) return first
  const shown = terminalLine(wanted, 200)
  throw first
    ? new UserError(`${shown} matches ${found.length} stacks: ${listed(found)}`, {
        hint: 'type more of the name or id',
      })
    : new UserError(`no stack is called ${shown || "''"}`, { hint: options.hint })
}

const shown = 10

/** Renders stack ids and their folders on one line. */
export function listed(candidates: readonly Candidate[]): string {
  const names = candidates
    .slice(0, shown)
    .map(({ stack, workspace }) => `${stackId(stack)} ${terminalLine(workspace ?? stack, 100)}`)
  const more = candidates.length - names.length
  return [...names, ...(more > 0 ? [`and ${more} more`] : [])].join(', ')
}
