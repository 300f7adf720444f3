import { chown, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { messageOf, UserError } from '../base/errors.ts'
import { lastLine, terminalLine } from '../base/terminal-text.ts'
import { type Account, environmentOf } from '../config/account.ts'
import { userEnvironment } from '../config/environment.ts'
import { readGitConfig } from '../config/git-config.ts'
import { cacheRoot } from '../config/paths.ts'
import { withScratchFolder, withSharedFolder } from '../files/scratch-folder.ts'
import { exec } from '../process/exec.ts'

/** Signs commits with the user's own key, as the user's git would. The key stays with its program. */
export interface Signer {
  /** For messages: `the ssh key /home/me/.ssh/id.pub`. */
  readonly what: string
  /** Address of the user's git: only commits in its name are signed. */
  readonly mail: string
  /** Returns the signature in text form, without a line end. */
  sign(payload: Buffer): Promise<string>
}

/** Milliseconds: the user may have to enter a passphrase, or touch a key. */
const longest = 120_000

/** Variables by which the programs find keys, their agent, and the terminal for a passphrase. */
const passed = [
  ...['PATH', 'USER', 'LANG', 'TERM', 'DISPLAY', 'WAYLAND_DISPLAY', 'XDG_RUNTIME_DIR'],
  ...['DBUS_SESSION_BUS_ADDRESS', 'GNUPGHOME', 'GPG_TTY', 'SSH_AUTH_SOCK', 'SSH_ASKPASS'],
]

/**
 * Returns the signer that the user's git is configured with: `user.signingKey`, `gpg.format` and the
 * programs of `gpg.*`, of the user's and the system's configuration. A repository's counts for nothing:
 * it names programs (threat H1).
 *
 * @param account whose key it is, if we are root and the repository is theirs
 * @throws UserError when there is no key.
 */
export async function findSigner(
  given: NodeJS.ProcessEnv = userEnvironment(),
  read: typeof readGitConfig = readGitConfig,
  account: Account | null = null,
): Promise<Signer> {
  const env = environmentOf(account, given)
  const names = '^(user\\.(signingkey|email)|gpg\\..*)$'
  const config = parseConfig(await read(['-z', '--get-regexp', names], account))
  const [key, mail] = [config.get('user.signingkey'), config.get('user.email')]
  if (!key || !mail) {
    const missing = key ? 'user.email' : 'user.signingKey'
    throw new UserError(`commits cannot be signed: git has no ${missing}`, {
      hint: `set it with git config --global ${missing}`,
    })
  }
  const kept = passed.flatMap(name => (env[name] ? [[name, env[name]] as const] : []))
  const home = env.HOME || homedir()
  const run = signingProgram({ ...Object.fromEntries(kept), HOME: home, LC_ALL: 'C' }, account)
  const format = config.get('gpg.format') ?? 'openpgp'
  switch (format) {
    case 'openpgp':
    case 'x509': {
      const own = config.get(`gpg.${format}.program`)
      const program = own ?? (format === 'x509' ? 'gpgsm' : (config.get('gpg.program') ?? 'gpg'))
      const what = `the ${format === 'x509' ? 'certificate' : 'GPG key'} ${terminalLine(key, 100)}`
      return { what, mail, sign: payload => run(program, ['-bsau', key], payload) }
    }
    case 'ssh': {
      const program = config.get('gpg.ssh.program') ?? 'ssh-keygen'
      const what = `the ssh key ${terminalLine(key.replace(/^key::/, ''), 100)}`
      const file = atHome(key, home)
      return {
        what,
        mail,
        sign: payload => signBySsh(run, program, { key: file, account }, payload),
      }
    }
    default:
      throw new UserError(`commits cannot be signed: gpg.format is ${terminalLine(format, 60)}`, {
        hint: 'set it to openpgp, ssh or x509 with git config --global gpg.format',
      })
  }
}

type Run = ReturnType<typeof signingProgram>

/** A key is a file, or a public key whose private one the agent has. */
async function signBySsh(
  run: Run,
  program: string,
  { key, account }: { key: string; account: Account | null },
  payload: Buffer,
) {
  const literal = /^(key::)?((sk-)?(ssh|ecdsa)-[\w@.-]+ .*)$/.exec(key)?.[2]
  const args = ['-Y', 'sign', '-n', 'git', '-f']
  if (literal === undefined) return run(program, [...args, key], payload)
  const sign = async (folder: string) => {
    const file = join(folder, 'key.pub')
    await writeFile(file, `${literal}\n`, { mode: 0o600 })
    if (account) await chown(file, account.uid, account.gid)
    return run(program, [...args, file, '-U'], payload)
  }
  return account
    ? withSharedFolder('key-', sign)
    : withScratchFolder(join(cacheRoot(), 'signing'), 'key-', sign)
}

function atHome(path: string, home: string): string {
  return path.startsWith('~/') ? join(home, path.slice(2)) : path
}

function signingProgram(env: Record<string, string | undefined>, user: Account | null) {
  return async (program: string, args: readonly string[], payload: Buffer): Promise<string> => {
    const options = { env, user, input: payload, timeout: longest }
    const { code, stdout, stderr } = await exec(program, args, options).catch((cause: unknown) => {
      throw failed(program, messageOf(cause), cause)
    })
    const text = stdout.trim()
    if (code === 0 && /^-----BEGIN [A-Z ]+-----\n/.test(text)) return text
    throw failed(program, lastLine(stderr) || `it ended with status ${code}`)
  }
}

function failed(program: string, why: string, cause?: unknown) {
  return new UserError(`commits cannot be signed: ${terminalLine(program, 100)}: ${why}`, {
    hint: 'check that git commit -S works for you outside of claude-secure',
    ...(cause !== undefined && { cause }),
  })
}

function parseConfig(listed: string): Map<string, string> {
  return new Map(
    listed.split('\0').map((entry): [string, string] => {
      const end = entry.indexOf('\n')
      return [entry.slice(0, end), entry.slice(end + 1)]
    }),
  )
}
