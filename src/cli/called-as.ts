import { basename, delimiter, dirname, join } from 'node:path'
import { userEnvironment } from '../config/environment.ts'

/** Returns the text as one word of any shell; null where quoting differs between shells. */
export function shellWord(text: string): string | null {
  if (/^[\w/.+-]+$/.test(text)) return text
  return /^[\w/.+ -]+$/.test(text) ? `'${text}'` : null
}

/** Returns the text as one word of a POSIX shell. */
export function posixWord(text: string): string {
  return shellWord(text) ?? `'${text.replaceAll("'", "'\\''")}'`
}

/**
 * Returns how the user calls `claude.ts` from where they are, so that a command in a message can be
 * pasted: `claude-secure` for a link in PATH, else the path that they typed. The launcher passes it on.
 */
export function calledAs(env: NodeJS.ProcessEnv = userEnvironment()): string {
  const { CLAUDE_SECURE_CALLED: called = '', PATH = '' } = env
  // The commands in messages are those of claude.ts, which is beside build.ts.
  const path = basename(called) === 'build.ts' ? join(dirname(called), 'claude.ts') : called
  if (!path.includes('/') || /\p{Cc}/u.test(path)) return './claude.ts'
  const inPath = path.startsWith('/') && PATH.split(delimiter).includes(dirname(path))
  const typed = inPath ? basename(path) : path
  return posixWord(typed === 'claude.ts' ? './claude.ts' : typed)
}

/** Returns the name of the program or of the link to it that the user called, for shell completion. */
export function calledName(env: NodeJS.ProcessEnv = userEnvironment()): string {
  const name = basename(env.CLAUDE_SECURE_CALLED ?? '')
  return /^[A-Za-z][\w.-]*$/.test(name) && name !== 'build.ts' ? name : 'claude.ts'
}
