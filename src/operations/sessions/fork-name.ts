import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'

/** Where another session begins: at the tip of a session, at a commit of it, or at a state that its copy keeps. */
export type ForkName = { name: string; commit: string | null; state: number | null }

/** Reads `SESSION`, `SESSION:COMMIT` or `SESSION@STATE`. */
export function parseFork(text: string): ForkName {
  const [, name = '', commit, state] = /^([^:@]*)(?::([^@]*)|@([1-9]\d{0,8}))?$/.exec(text) ?? []
  if (name !== '') return { name, commit: commit ?? null, state: state ? Number(state) : null }
  throw new UserError(`${terminalLine(text, 80)} names no session`, {
    hint: 'give SESSION, SESSION:COMMIT or SESSION@STATE, for example: login@3',
    exitCode: 2,
  })
}
