import {
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { userEnvironment } from '../config/environment.ts'
import type { ImageAdditions } from '../config/image-additions.ts'
import { checkoutRoot, stateRoot } from '../config/paths.ts'
import { protectedNames, workspaceConfigName } from '../config/protected-names.ts'
import { bodyText, engineGet } from '../engine/engine-request.ts'
import { filesBelow } from '../files/files-below.ts'
import { listAdditions } from '../images/addition-files.ts'
import type { RunningAgent } from '../stack/running-agent.ts'
import { isOnItsNetworks } from '../stack/service-networks.ts'
import { identityOf } from '../workspace/overlay/identity.ts'

/**
 * What the last `start` of this folder found out. As long as the stamp is the same, none of its inputs
 * has changed: the checkout, .env, our settings in the environment, the owner of the folder.
 */
export type QuickSession = RunningAgent & {
  stamp: string
  overlays: string
  /** Where the user's own additions are, which depends on settings, and how they looked. */
  customFolder: string
  custom: string
  /** What of the user's own is in the image, where it lies, and how that looked. */
  additions: ImageAdditions
  added: string
  stack: string
  workspace: string
  fingerprint: string
}

const askedOfEngine = 2_000

/** By the folder's own name and not by a hash of it: hashing is loaded only where it is needed. */
function memoryPath(folder: string, agent: Agent): string {
  return join(stateRoot(), memories[agent], `${encodeURIComponent(folder)}.json`)
}

/** Sessions are opened in one container, prompts run in the other. */
const memories = { claude: 'sessions', worker: 'workers' } as const
type Agent = keyof typeof memories

/** Everything that decides what a stack looks like. Secrets go into it as a hash. */
export async function quickStamp(
  root: string,
  folder: string,
  settings: Record<string, string | undefined>,
): Promise<string> {
  const inputs = [
    'compose.yaml',
    'pins.json',
    '.env',
    '.build/bundle/stamp',
    ...['proxy', 'claude', 'gateway', 'additions'].flatMap(name => filesBelow(root, name)),
  ].map(path => {
    const status = statSync(join(root, path), { throwIfNoEntry: false })
    return [path, status && [status.ino, status.size, status.mtimeMs]]
  })
  const { uid, gid } = statSync(folder)
  return JSON.stringify([inputs, uid, gid, await hashed(settings)])
}

/** The user's own files that are built into the image, by their outside: a look costs a stat for each. */
export function addedStamp(additions: ImageAdditions): string {
  const { scripts, context } = listAdditions(additions)
  return JSON.stringify(
    [scripts, context].map(files =>
      files?.map(({ path, stats }) => [path, stats.ino, stats.size, stats.mtimeMs, stats.mode]),
    ),
  )
}

/**
 * What overlays are on, or would be: a file that comes, goes or is replaced on the host. Apart from the
 * stamp, because a start makes some of them.
 */
export function overlayStamp(folder: string): string {
  return JSON.stringify(protectedInputs.map(path => identity(join(folder, path))))
}

/** What of the user's own is made into files for the agent: skills, programs, git's identity, the workspace's configuration. */
export function customStamp(folder: string, workspace: string, home = homedir()): string {
  const { XDG_CONFIG_HOME } = userEnvironment()
  const skills = ['always-skills', '.always-skills'].filter(name =>
    statusOf(join(folder, name))?.isDirectory(),
  )
  const paths = [
    ...['', 'bin', ...skills.flatMap(name => filesBelow(folder, name))].map(name =>
      join(folder, name),
    ),
    ...[join(home, '.gitconfig'), '/etc/gitconfig'],
    join(XDG_CONFIG_HOME || join(home, '.config'), 'git/config'),
  ]
  const look = (path: string) => {
    const status = statusOf(path)
    return status && [path, status.ino, status.size, status.mtimeMs, status.mode]
  }
  // A folder in their place is our placeholder, and comes with the stack.
  const files = [workspaceConfigName, '.mcp.json']
    .map(name => join(workspace, name))
    .filter(path => !statusOf(path)?.isDirectory())
  return JSON.stringify([...paths, ...files].map(look).filter(Boolean))
}

const protectedInputs = [
  ...protectedNames,
  ...['config', 'hooks', 'commondir', 'HEAD', 'modules', 'worktrees'].map(name => `.git/${name}`),
]

function identity(path: string) {
  const status = statusOf(path)
  if (!status) return null
  // HEAD is replaced by each commit; that it is there makes a folder a repository.
  return path.endsWith('/.git/HEAD') ? true : identityOf(status)
}

/** In a linked worktree `.git` is a file, and nothing is below it. */
function statusOf(path: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return null
    throw error
  }
}

async function hashed(settings: Record<string, string | undefined>) {
  if (Object.keys(settings).length === 0) return null
  const { createHash } = await import('node:crypto')
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex')
}

/** What the last `start` of this folder left, when none of its inputs changed since; else null. */
export async function rememberedSession(
  settings: Record<string, string | undefined>,
  agent: Agent = 'claude',
): Promise<QuickSession | null> {
  try {
    const folder = realpathSync(process.cwd())
    const known: QuickSession = JSON.parse(readFileSync(memoryPath(folder, agent), 'utf8'))
    if (known.overlays !== overlayStamp(folder)) return null
    if (known.custom !== customStamp(known.customFolder, folder)) return null
    if (known.added !== addedStamp(known.additions)) return null
    return known.stamp === (await quickStamp(checkoutRoot(), folder, settings)) ? known : null
  } catch {
    // Whatever is wrong, the long way finds out and says it.
    return null
  }
}

/** Whether the stack runs, healthy and as it was left. One question to the engine instead of a dozen. */
export async function runsAsLeft(known: QuickSession, agent: Agent = 'claude'): Promise<boolean> {
  try {
    const filters = JSON.stringify({ label: [`claude-secure.stack=${known.stack}`] })
    const { status, body } = await engineGet(
      known.address,
      `/containers/json?all=1&filters=${encodeURIComponent(filters)}`,
      { idleMilliseconds: askedOfEngine },
    )
    const containers: EngineContainer[] = JSON.parse(await bodyText(body))
    return (
      status === 200 &&
      containers.length >= 3 &&
      containers.some(isAgent) &&
      containers.every(isAsLeft)
    )
  } catch {
    return false
  }

  function isAgent({ Id, Labels }: EngineContainer) {
    return Id === known.container && Labels['com.docker.compose.service'] === agent
  }

  function isAsLeft({ Status, Labels, NetworkSettings }: EngineContainer) {
    return (
      Status.endsWith('(healthy)') &&
      Labels['claude-secure.fingerprint'] === known.fingerprint &&
      isOnItsNetworks(
        known.stack,
        Labels['com.docker.compose.service'] ?? '',
        NetworkSettings?.Networks,
      )
    )
  }
}

type EngineContainer = {
  Id: string
  Status: string
  Labels: Record<string, string>
  NetworkSettings?: { Networks?: Record<string, unknown> }
}

/** Keeps the answer for the next `start`. A folder whose name is too long for a file goes without. */
export function rememberSession(folder: string, session: QuickSession, agent: Agent = 'claude') {
  const path = memoryPath(folder, agent)
  try {
    mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 })
    writeFileSync(`${path}.tmp`, JSON.stringify(session), { mode: 0o600 })
    renameSync(`${path}.tmp`, path)
  } catch {
    forgetSession(folder, agent)
  }
}

/** To be called before anything is changed: a start that is cut off must not leave an old answer. */
export function forgetSession(folder: string, agent: Agent = 'claude') {
  try {
    rmSync(memoryPath(folder, agent), { force: true })
  } catch {
    // It cannot be there under a name that no file can have.
  }
}
