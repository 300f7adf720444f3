import { isAbsolute } from 'node:path'
import { messageOf, UserError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { terminalLine } from '../base/terminal-text.ts'

/** claudebox's names for the folder to work in, the newer one first. */
const names = ['CLAUDEBOX_WORKSPACE', 'CLAUDE_WORKSPACE'] as const

/** Returns the variable that names the folder to work in, in place of the current one; null without one. */
export function workspaceVariable(env: NodeJS.ProcessEnv): { name: string; folder: string } | null {
  for (const name of names) {
    const folder = env[name]
    if (folder) return { name, folder }
  }
  return null
}

/** Makes that folder the current one, for every command that follows. */
export function enterWorkspace(env: NodeJS.ProcessEnv, log: Log): void {
  const variable = workspaceVariable(env)
  if (!variable) return
  const { name, folder } = variable
  const shown = terminalLine(folder, 200)
  const hint = `set ${name} to the absolute path of a folder, or unset it`
  // A background process of this command has the variable too, and another current folder.
  if (!isAbsolute(folder)) throw new UserError(`${name}=${shown} is not an absolute path`, { hint })
  try {
    process.chdir(folder)
  } catch (cause) {
    throw new UserError(`cannot enter ${name}=${shown}: ${messageOf(cause)}`, { hint, cause })
  }
  log({ kind: 'info', text: `working in ${shown} (${name})` })
}
