import { UserError } from '../../base/errors.ts'
import { lastLine } from '../../base/terminal-text.ts'
import { userEnvironment } from '../../config/environment.ts'
import { exec } from '../../process/exec.ts'

/** No hook, helper or maintenance of the repository runs, and nothing asks on the terminal. */
const quiet = [
  ...['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false'],
  ...['-c', 'gc.auto=0', '-c', 'maintenance.auto=false'],
]

export type Git = ReturnType<typeof createGit>

/** Creates git for one checkout. Its answers are text of a remote: they are parsed or escaped, never run. */
export function createGit(root: string, signal?: AbortSignal) {
  const inherited = Object.entries(userEnvironment()).filter(([name]) => !name.startsWith('GIT_'))
  const env = { ...Object.fromEntries(inherited), GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' }
  const call = (args: readonly string[]) =>
    exec('git', ['-C', root, ...quiet, ...args], { env, ...(signal && { signal }) })
  return {
    /** Returns the exit code and the output. */
    call,
    /** Returns the trimmed output; null when git fails. */
    async ask(...args: string[]): Promise<string | null> {
      const { code, stdout } = await call(args)
      return code === 0 ? stdout.trim() : null
    },
    /** Returns the output as it is; throws with `failed` and git's last line. */
    async need(failed: string, hint: string, ...args: string[]): Promise<string> {
      const { code, stdout, stderr } = await call(args)
      if (code === 0) return stdout
      throw new UserError(`${failed}: ${lastLine(stderr) || `git ended with status ${code}`}`, {
        hint,
        cause: new Error(stderr),
      })
    },
  }
}
