import type { Call } from './command-line.ts'
import type { Verdict } from './verdict.ts'

/**
 * Runs an alias that is a shell command with the caller's PATH before git's own folder, which git puts first
 * and which has a `git` of its own: each git in the command is a call that is judged.
 */
export function runShellAlias(
  { command, args }: Call,
  shell: string,
  path = process.env.PATH ?? '',
): Verdict {
  const quoted = `'${path.replaceAll("'", `'\\''`)}'`
  const alias = `alias.${command}=!PATH=${quoted}:"$PATH"; export PATH; ${shell}`
  return { kind: 'run', globals: [], args: ['-c', alias, command, ...args], excludes: [] }
}
