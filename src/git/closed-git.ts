import type { Readable } from 'node:stream'
import { UserError } from '../base/errors.ts'
import { lastLine } from '../base/terminal-text.ts'
import { userEnvironment } from '../config/environment.ts'
import { type Captured, capture } from '../process/capture.ts'

/** A repository's folder, such as `.git`, and the user as whom git works there; null for ourselves. */
export type GitPlace = { gitDir: string; user?: { uid: number; gid: number } | null }

export type ClosedCall = {
  input?: Uint8Array | Readable
  /** Bytes kept of stdout; more ends git. Default: 16 MiB. */
  limit?: number
  /** Milliseconds. Default: 2 minutes. */
  timeout?: number
}

/**
 * No program that a repository names runs (threat H1): no hook, monitor, filter, signer, transport or maintenance.
 * The sizes bound the memory of a pack whose objects unpack to more than they are.
 */
const closed = [
  ...['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'core.attributesFile=/dev/null'],
  ...['core.excludesFile=/dev/null', 'core.alternateRefsCommand=false', 'core.pager=cat'],
  ...['core.commitGraph=false', 'core.logAllRefUpdates=false', 'core.bigFileThreshold=4m'],
  ...['core.packedGitWindowSize=32m', 'core.packedGitLimit=256m', 'core.deltaBaseCacheLimit=32m'],
  ...['pack.threads=1', 'pack.windowMemory=64m', 'gc.auto=0', 'maintenance.auto=false'],
  ...['protocol.allow=never', 'log.showSignature=false', 'log.mailmap=false'],
  ...[
    'diff.submodule=short',
    'diff.orderFile=/dev/null',
    'color.ui=false',
    'advice.detachedHead=false',
  ],
  ...['core.quotePath=false', 'i18n.logOutputEncoding=UTF-8', 'submodule.recurse=false'],
].flatMap(setting => ['-c', setting])

/** Largest single object that git takes into memory. */
const allocation = '256m'

export type ClosedGit = ReturnType<typeof createClosedGit>

/**
 * Creates git for one repository with everything closed that could run a program. Reads the configuration of
 * that repository alone, follows no replacement of objects, and fetches no missing ones.
 */
export function createClosedGit({ gitDir, user = null }: GitPlace, signal?: AbortSignal) {
  const { PATH } = userEnvironment()
  const env = {
    ...{ PATH, LC_ALL: 'C', HOME: '/dev/null', GIT_DIR: '.', GIT_ALLOC_LIMIT: allocation },
    ...{ GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_ATTR_NOSYSTEM: '1' },
    ...{ GIT_NO_REPLACE_OBJECTS: '1', GIT_GRAFT_FILE: '/dev/null' },
    ...{ GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0', GIT_CEILING_DIRECTORIES: '/' },
    // Git before 2.39.4 fetches missing objects of a partial clone all the same, and `protocol.ext.allow` of the
    // repository is stronger than `protocol.allow`.
    ...{ GIT_NO_LAZY_FETCH: '1', GIT_ALLOW_PROTOCOL: 'none' },
    ...{ GIT_COMMITTER_NAME: 'claude-secure', GIT_COMMITTER_EMAIL: 'claude-secure@localhost' },
  }
  const call = (args: readonly string[], options: ClosedCall = {}): Promise<Captured> =>
    capture('git', ['--no-pager', '--literal-pathspecs', ...closed, ...args], {
      env,
      user,
      // Entered as ourselves: that user may not be able to reach it by its path.
      cwd: gitDir,
      limit: 16 * 1024 * 1024,
      signal,
      ...options,
    })
  return {
    /** Returns the exit code and the output. */
    call,
    /** Returns the trimmed output as text; null when git fails. */
    async ask(args: readonly string[], options?: ClosedCall): Promise<string | null> {
      const { code, stdout } = await call(args, options)
      return code === 0 ? stdout.toString().trim() : null
    },
    /** Returns the output; throws with `failed` and git's last line, also when it is truncated. */
    async need(failed: string, args: readonly string[], options?: ClosedCall): Promise<Buffer> {
      const { code, stdout, stderr, truncated } = await call(args, options)
      if (code === 0 && !truncated) return stdout
      const why = truncated ? 'its output is too large' : lastLine(stderr)
      throw new UserError(`${failed}: ${why || `git ended with status ${code}`}`, {
        hint: 'run it again with --verbose to see all output',
        cause: new Error(stderr),
      })
    },
  }
}
