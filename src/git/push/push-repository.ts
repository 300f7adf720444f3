import { chmod, chown, mkdir, stat, writeFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { type Account, environmentOf } from '../../config/account.ts'
import { userEnvironment } from '../../config/environment.ts'
import { readRegularFile } from '../../files/regular-file.ts'
import { withScratchFolder, withSharedFolder } from '../../files/scratch-folder.ts'
import { type ExecOptions, type ExecResult, exec } from '../../process/exec.ts'
import type { Login } from '../login.ts'
import { parseRemoteUrl, type RemoteUrl } from '../remote-url.ts'
import { renderGitSettings, type UserGitSettings } from './push-settings.ts'

/** The name of the only remote. */
export const target = 'target'

/** What programs of the user need to reach a host; nothing of git's, which could name another program. */
const passed = [
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SSH_AUTH_SOCK', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
  ...['HTTPS_PROXY', 'https_proxy', 'http_proxy', 'ALL_PROXY', 'all_proxy', 'NO_PROXY', 'no_proxy'],
]

/** Maximum bytes of a shallow clone's list of commits. */
const shallowBytes = 1024 * 1024

/** No question on a terminal, and no host whose key the user has not accepted. */
const sshOptions =
  '-o BatchMode=yes -o StrictHostKeyChecking=yes -o ForwardAgent=no -o ClearAllForwardings=yes -o ConnectTimeout=20 -o ServerAliveInterval=15'

export type PushRepository = {
  path: string
  /** Where the remote leads after the user's `insteadOf`. */
  remote: RemoteUrl
  git(args: readonly string[], options?: ExecOptions): Promise<ExecResult>
  /** Lets git log in at the remote's host, and at no other. */
  useLogin(login: Login): Promise<void>
}

/**
 * Calls `body` with a repository of its own for one push, which borrows the objects of `gitDir`. Git reads the
 * configuration that is made here and no other, so that no hook, credential helper, transport, filter or
 * rewritten address of the user's repository takes effect (threat H1).
 *
 * @param scratch a folder of the user alone: the repository is made below it, and removed, unless there is one in memory
 */
export async function withPushRepository<T>(
  options: {
    gitDir: string
    url: string
    objectFormat: 'sha1' | 'sha256'
    scratch: string
    user: UserGitSettings
    /** As whom git works; it needs a way to the objects by their path. */
    account?: Account | null
    signal?: AbortSignal
  },
  body: (repository: PushRepository) => Promise<T>,
): Promise<T> {
  const { gitDir, url, objectFormat, scratch, user, account = null, signal } = options
  if (account) await checkReach(gitDir, account)
  return withPlace(account, scratch, async path => {
    // Independent of the umask: git may work as another user.
    for (const name of ['objects', 'objects/info', 'refs']) {
      await mkdir(join(path, name))
      await chmod(join(path, name), 0o755)
    }
    const writeOpen = async (name: string, text: string | Buffer) => {
      await writeFile(join(path, name), text)
      await chmod(join(path, name), 0o644)
    }
    await writeOpen('HEAD', 'ref: refs/heads/none\n')
    await writeOpen('objects/info/alternates', `${pathLine(join(gitDir, 'objects'))}\n`)
    // Without it git would look for commits that a shallow clone does not have.
    const shallow = await readShallow(gitDir)
    if (shallow !== null) await writeOpen('shallow', shallow)
    const config = join(path, 'config')
    // The folder is root's, so that a file in it is the one that was written.
    const writePrivate = async (file: string, text: string) => {
      await writeFile(file, text, { mode: 0o600 })
      if (account) await chown(file, account.uid, account.gid)
    }
    const write = (more: string) =>
      writePrivate(config, `${renderGitSettings(settingsOf(url, objectFormat, user))}${more}`)
    await write('')

    const given = environmentOf(account)
    const ssh = given.GIT_SSH_COMMAND || user.sshCommand || 'ssh'
    const env: Record<string, string | undefined> = {
      ...Object.fromEntries(passed.map(name => [name, given[name]])),
      ...{ LC_ALL: 'C', GIT_DIR: path, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
      ...{ GIT_TERMINAL_PROMPT: '0', GIT_NO_REPLACE_OBJECTS: '1', GIT_ATTR_NOSYSTEM: '1' },
      ...{ GIT_SSH_COMMAND: `${ssh} ${sshOptions}`, SSH_ASKPASS_REQUIRE: 'never' },
    }
    const git = (args: readonly string[], more: ExecOptions = {}) =>
      exec('git', args, { cwd: path, env, user: account, ...(signal && { signal }), ...more })

    const resolved = await git(['remote', 'get-url', '--push', target])
    const remote = parseRemoteUrl(resolved.code === 0 ? resolved.stdout.replace(/\n$/, '') : url)
    env.GIT_ALLOW_PROTOCOL = remote.transport
    return body({
      ...{ path, remote, git },
      async useLogin({ user: name, token }) {
        const { transport, host, port } = remote
        const login = `${encodeURIComponent(remote.user ?? name)}:${encodeURIComponent(token)}`
        const at = `${host.includes(':') ? `[${host}]` : host}${port === null ? '' : `:${port}`}`
        const file = join(path, 'login')
        await writePrivate(file, `${transport}://${login}@${at}\n`)
        // Git's own store: it compares the host before it answers.
        const helper = `store --file='${file.replaceAll("'", "'\\''")}'`
        await write(renderGitSettings([['credential.helper', helper]]))
      },
    })
  })
}

/** Calls `body` with a folder in memory, or else below `scratch`; with one that another user can enter. */
async function withPlace<T>(
  account: Account | null,
  scratch: string,
  body: (path: string) => Promise<T>,
): Promise<T> {
  if (account) return withSharedFolder('push-', body)
  return withScratchFolder((await memoryFolder()) ?? scratch, 'push-', body)
}

/** Git would only say that it lacks an object. */
async function checkReach(gitDir: string, account: Account): Promise<void> {
  const objects = join(gitDir, 'objects')
  const { code } = await exec('test', ['-x', objects], { user: account, timeout: 10_000 })
  if (code === 0) return
  throw new UserError(
    `${terminalLine(account.name)} owns ${terminalLine(gitDir)} and cannot reach it`,
    {
      hint: 'let that user enter each folder above it (chmod a+x), then repeat the command',
    },
  )
}

/** Returns the list of a shallow clone; null for another repository. An agent may have made the file in a mounted one. */
async function readShallow(gitDir: string): Promise<Buffer | null> {
  const path = join(gitDir, 'shallow')
  const file = await readRegularFile(path, { limit: shallowBytes })
  if (file.kind === 'bytes') return file.bytes
  if (file.kind === 'missing') return null
  throw new UserError(`${terminalLine(path)} is not a list of commits`, {
    hint: 'run git fsck in the repository',
  })
}

/** Returns a folder of the user in memory, where a login leaves no trace on a disk; null without one. */
async function memoryFolder(): Promise<string | null> {
  const runtime = userEnvironment().XDG_RUNTIME_DIR
  if (!runtime || !isAbsolute(runtime)) return null
  const status = await stat(runtime).catch(() => null)
  if (!status?.isDirectory() || status.uid !== process.getuid?.()) return null
  return (status.mode & 0o077) === 0 ? join(runtime, 'claude-secure') : null
}

function settingsOf(url: string, objectFormat: string, user: UserGitSettings) {
  return [
    ['core.repositoryformatversion', '1'],
    ['core.bare', 'true'],
    ['extensions.objectformat', objectFormat],
    ['core.hookspath', '/dev/null'],
    ['gc.auto', '0'],
    ['maintenance.auto', 'false'],
    ['push.gpgsign', 'false'],
    ['push.followtags', 'false'],
    ['push.recursesubmodules', 'no'],
    ['push.usebitmaps', 'false'],
    ['http.lowspeedlimit', '1'],
    ['http.lowspeedtime', '60'],
    ...user.settings,
    // Another host would get the login.
    ['http.followredirects', 'false'],
    [`remote.${target}.url`, url],
  ] as const
}

/** Quotes a path as git reads it in `alternates`. */
function pathLine(path: string) {
  if (!/^[#"]|[\n]/.test(path)) return path
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}
