import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'

/** Everything that a session brings to the repository is below this. */
export const sessionRefs = 'refs/claude/'

/** What a session's references hold. */
export type SessionRef =
  /** The commit it began with. */
  | 'base'
  /** The tip of its branch. */
  | 'branch'
  /** The commit that is checked out in the copy, if its branch has another one. */
  | 'head'

/** Returns the name of a session's reference; `session` was checked by `checkSessionName`. */
export function sessionRef(session: string, ref: SessionRef): string {
  return `${sessionRefs}${session}/${ref}`
}

/** Refuses a name that is not a plain word: it becomes a part of a reference, a stack's name and commands. */
export function checkSessionName(name: string): string {
  if (/^[a-z0-9](?:[a-z0-9_-]|\.(?!\.|lock$|$)){0,39}$/i.test(name)) return name
  throw new UserError(`${terminalLine(name, 60)} is not a name for a session`, {
    hint: 'give 1 to 40 letters, digits, dots, dashes and underscores, beginning with a letter or digit',
    exitCode: 2,
  })
}

/** Returns the name of a session that a person did not name: the time in UTC, as `20261130-081502`. */
export function timestampName(now: Date): string {
  return now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
}
