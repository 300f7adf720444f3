import { UserError } from '../base/errors.ts'
import { lastLine } from '../base/terminal-text.ts'
import { type Account, environmentOf, findAccount } from '../config/account.ts'
import { capture } from '../process/capture.ts'
import type { HostRepository } from './repository.ts'

/** Hooks, monitors and transports that run commands stay off; credentials and ssh are the user's. */
const settings = [
  ...['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'gc.auto=0', 'maintenance.auto=false'],
  ...['protocol.ext.allow=never', 'push.gpgSign=false', 'push.followTags=false'],
  ...['push.recurseSubmodules=no', 'fetch.recurseSubmodules=no', 'fetch.fsckObjects=true'],
  ...['core.alternateRefsCommand=false', 'submodule.recurse=false'],
].flatMap(setting => ['-c', setting])

/** Variables of the user by which git reaches a remote; the others choose repositories and programs. */
const kept = /^GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|SSL_.*|HTTP_.*|CURL_.*|TERMINAL_PROMPT)$/

export type OpenGit = ReturnType<typeof createOpenGit>

/**
 * Creates git for what a person asked for with their own remotes: it has their configuration and credentials, and
 * asks for a password where theirs would. The repository's configuration is the user's: a session has a copy.
 */
export function createOpenGit(
  { folder, user }: Pick<HostRepository, 'folder' | 'user'>,
  signal?: AbortSignal,
) {
  const call = async (args: readonly string[], more: readonly string[] = []) => {
    const env = environment(await findAccount(user))
    const words = ['--no-pager', ...settings, ...more, ...args]
    const { code, stdout, stderr } = await capture('git', words, {
      env,
      user,
      cwd: folder,
      limit: 4 * 1024 * 1024,
      timeout: 600_000,
      signal,
    })
    return { code, stdout: stdout.toString(), stderr }
  }
  return {
    call,
    /** Returns the output; throws with `failed` and what git said. */
    async need(failed: string, args: readonly string[], more: readonly string[] = []) {
      const { code, stdout, stderr } = await call(args, more)
      if (code === 0) return stdout
      throw new UserError(`${failed}: ${reasonOf(stderr) || `git ended with status ${code}`}`, {
        hint: 'check the address and your access to it with git ls-remote',
        cause: new Error(stderr),
      })
    },
  }
}

/** Returns git's first error, which says more than its last line; the text of a remote is escaped. */
function reasonOf(stderr: string): string {
  const found = stderr.split('\n').find(line => /^(fatal|error| ! \[)/.test(line))
  return lastLine(found ?? stderr, 300)
}

/** What a program of another user may know of ours: it can read all of its environment. */
const harmless =
  /^(PATH|HOME|USER|LOGNAME|LANG|TERM|DISPLAY|SSH_AUTH_SOCK|SSH_ASKPASS|SSL_CERT_(FILE|DIR)|(https?|all|no)_proxy)$/i

/** Root works in a user's repository as that user, with the home that has their keys, and without our secrets. */
function environment(account: Account | null) {
  const own = Object.entries(environmentOf(account)).filter(([name]) =>
    name.startsWith('GIT_') ? kept.test(name) : account === null || harmless.test(name),
  )
  return { ...Object.fromEntries(own), LC_ALL: 'C' }
}
