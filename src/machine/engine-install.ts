import { readFile } from 'node:fs/promises'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { diskFull, isDiskFull } from '../files/disk-space.ts'
import { exec } from '../process/exec.ts'

/** The packages that give a distribution an engine that meets the requirements. */
export type InstallPlan = {
  packages: readonly string[]
  /** A newer release, used for these packages only. */
  newerRelease?: { suite: string; mirror: string }
}

/** mmdebstrap makes the base image; it trusts the keyring where the system is not Debian. */
const bootstrapPackages = ['mmdebstrap', 'debian-archive-keyring']
const debianPackages = ['docker.io', 'docker-cli', 'docker-compose', 'docker-buildx']
const ubuntuPackages = ['docker.io', 'docker-compose-v2', 'docker-buildx']

/** Oldest Ubuntu release whose docker.io gets current versions. */
const oldestUbuntu = 22.04

const aptTimeout = 20 * 60_000

/**
 * Plans the installation of missing packages. Throws a `UserError` with the manual step on an
 * unknown system.
 */
export function planInstall(
  os: OsRelease,
  missing: { engine: boolean; bootstrap: boolean },
  mirror: string | null,
): InstallPlan {
  const packages = (docker: readonly string[]) => [
    ...(missing.engine ? [...docker, 'iptables'] : []),
    ...(missing.bootstrap ? bootstrapPackages : []),
  ]
  if (os.id === 'debian' && Number(os.versionId) >= 13)
    return { packages: packages(debianPackages) }
  if (os.id === 'debian' && os.versionId === '12') {
    if (!missing.engine) return { packages: packages([]) }
    if (!mirror) {
      throw new UserError('apt has no Debian mirror configured', {
        hint: `add one to /etc/apt/sources.list.d, or ${manualStep}`,
      })
    }
    // Debian 12's own Docker is 20.10 and leaks DNS (CVE-2024-29018).
    return { packages: packages(debianPackages), newerRelease: { suite: 'trixie', mirror } }
  }
  if (os.id === 'ubuntu' && Number(os.versionId) >= oldestUbuntu) {
    return { packages: packages(ubuntuPackages) }
  }
  throw new UserError(`setup cannot install packages on ${os.name}`, {
    hint: missing.engine ? manualStep : 'install mmdebstrap, or set BASE_IMAGE in .env',
  })
}

const manualStep =
  'install Docker Engine 26 or newer with the Compose and buildx plugins, then run this command again'

/**
 * Renders the source of Debian 13 for Debian 12, which takes four packages from it. The preferences
 * pin the rest of the release below zero, so that no upgrade of the machine uses it.
 */
export function renderSource(release: { suite: string; mirror: string }): string {
  return `# Written by claude-secure setup: Docker from the next Debian release. See preferences.d.
Types: deb
URIs: ${release.mirror}
Suites: ${release.suite}
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`
}

export function renderPreferences(suite: string): string {
  return `# Written by claude-secure setup: nothing of the next release but Docker.
Package: *
Pin: release n=${suite}
Pin-Priority: -1

Package: ${debianPackages.join(' ')}
Pin: release n=${suite}
Pin-Priority: 700
`
}

export type Command = { file: string; args: string[]; input?: string }

/** Returns the commands of a plan, in order. `--dry-run` shows them. */
export function installCommands(plan: InstallPlan): Command[] {
  const { newerRelease, packages } = plan
  return [
    ...(newerRelease
      ? [
          writeCommand(
            '/etc/apt/preferences.d/claude-secure-docker',
            renderPreferences(newerRelease.suite),
          ),
          writeCommand(
            '/etc/apt/sources.list.d/claude-secure-docker.sources',
            renderSource(newerRelease),
          ),
        ]
      : []),
    { file: 'apt-get', args: ['update', '-q'] },
    {
      file: 'apt-get',
      // --no-remove: the user decides about conflicting packages.
      args: ['install', '-qy', '--no-install-recommends', '--no-remove', ...packages],
    },
  ]
}

/** Uses tee, because sudo offers no other way to write content that is passed as data. */
function writeCommand(path: string, content: string): Command {
  return { file: 'tee', args: [path], input: content }
}

/** Runs a command as root: directly, or through sudo, which prompts on the terminal. */
export async function runAsRoot(
  command: Command,
  options: { uid: number; onLine?: (line: string) => void; signal?: AbortSignal },
): Promise<void> {
  const { uid, onLine, signal } = options
  const root = ['env', 'DEBIAN_FRONTEND=noninteractive', command.file, ...command.args]
  const [file = '', ...args] = uid === 0 ? root : ['sudo', '--', ...root]
  const result = await exec(file, args, {
    input: command.input,
    onLine,
    signal,
    timeout: aptTimeout,
  })
  if (result.code === 0) return
  const output = result.stdout + result.stderr
  if (isDiskFull(output)) throw await diskFull('cannot install packages', '/var', new Error(output))
  const lines = output.trim().split('\n')
  const line = lines.findLast(text => /^E: |^sudo: |^dpkg: error/.test(text)) ?? lines.at(-1) ?? ''
  throw new UserError(`${command.file} ${command.args[0]} failed: ${terminalLine(line)}`, {
    hint: manualHint(line, uid),
    cause: new Error(output),
  })
}

function manualHint(line: string, uid: number) {
  if (/^sudo: /.test(line)) return `run ${command('setup')} as root`
  if (/lock/i.test(line))
    return 'wait for the other package manager to finish, then run this command again'
  if (/unable to fetch|failed to fetch|unable to locate/i.test(line)) {
    return 'run apt-get update to check the mirror'
  }
  return uid === 0
    ? 'run the command by hand to see the cause'
    : 'run the command by hand with sudo to see the cause'
}

export async function install(
  plan: InstallPlan,
  options: { uid: number; progress: (text: string) => void; signal?: AbortSignal },
): Promise<void> {
  for (const command of installCommands(plan)) {
    await runAsRoot(command, {
      uid: options.uid,
      signal: options.signal,
      onLine: line => options.progress(terminalLine(line, 80)),
    })
  }
}

export type OsRelease = { id: string; versionId: string; codename: string; name: string }

export function parseOsRelease(text: string): OsRelease {
  const values = new Map(
    text.split('\n').flatMap(line => {
      const found = /^([A-Z_]+)=(.*)$/.exec(line.trim())
      return found ? [[found[1], (found[2] ?? '').replace(/^(["'])(.*)\1$/, '$2')] as const] : []
    }),
  )
  return {
    id: values.get('ID') ?? '',
    versionId: values.get('VERSION_ID') ?? '',
    codename: values.get('VERSION_CODENAME') ?? '',
    name: values.get('PRETTY_NAME') ?? values.get('ID') ?? 'an unknown system',
  }
}

/** Reads the machine's distribution. Unknown fields are empty. */
export async function readOsRelease(path = '/etc/os-release'): Promise<OsRelease> {
  return parseOsRelease(await readFile(path, 'utf8').catch(() => ''))
}
