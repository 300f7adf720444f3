import { createHash } from 'node:crypto'
import { readFileSync, realpathSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { checkoutRoot, stateRoot } from '../config/paths.ts'
import type { EngineAddress } from '../docker/engine.ts'
import { engineGet } from '../docker/engine-request.ts'
import { stackName } from '../workspace/stack-name.ts'
import { filesBelow } from './files-below.ts'
import type { RunningAgent } from './session.ts'

/**
 * What the last `start` of this folder found out. As long as the stamp is the same, none of its inputs
 * has changed: the checkout, .env, our settings in the environment, the owner of the folder.
 */
export type QuickSession = { stamp: string; address: EngineAddress; fingerprint: string }

const askedOfEngine = 2_000

export function quickSessionPath(stack: string): string {
  return join(stateRoot(), 'stacks', stack, 'session.json')
}

/** Everything that decides what a stack looks like, in one hash. Secrets only go into it. */
export function quickStamp(
  root: string,
  folder: string,
  settings: Record<string, string | undefined>,
): string {
  const inputs = [
    'compose.yaml',
    'pins.json',
    '.env',
    '.build/bundle/stamp',
    ...['proxy', 'claude', 'gateway'].flatMap(name => filesBelow(root, name)),
  ]
  const hash = createHash('sha256')
  for (const path of inputs) {
    const status = statSync(join(root, path), { throwIfNoEntry: false })
    hash.update(JSON.stringify([path, status && [status.ino, status.size, status.mtimeMs]]))
  }
  const { uid, gid } = statSync(folder)
  hash.update(JSON.stringify([uid, gid, settings]))
  return hash.digest('hex')
}

/**
 * The agent of this folder's stack, when it runs and nothing changed since the last `start`; null when
 * `start` has to look more closely. One question to the engine instead of a dozen.
 */
export async function findRunningAgent(
  settings: Record<string, string | undefined>,
): Promise<RunningAgent | null> {
  try {
    const folder = realpathSync(process.cwd())
    const stack = stackName(folder)
    const known: QuickSession = JSON.parse(readFileSync(quickSessionPath(stack), 'utf8'))
    if (known.stamp !== quickStamp(checkoutRoot(), folder, settings)) return null
    const filters = encodeURIComponent(JSON.stringify({ label: [`claude-secure.stack=${stack}`] }))
    const { status, body } = await engineGet(
      known.address,
      `/containers/json?all=1&filters=${filters}`,
      {
        idleMilliseconds: askedOfEngine,
      },
    )
    const containers: unknown = JSON.parse(await text(body))
    return status === 200 && Array.isArray(containers) ? agentOf(containers, known) : null
  } catch {
    // Whatever is wrong, the long way finds out and says it.
    return null
  }
}

function agentOf(containers: readonly EngineContainer[], known: QuickSession): RunningAgent | null {
  const asLeft = containers.every(
    ({ Status, Labels }) =>
      Status.endsWith('(healthy)') && Labels['claude-secure.fingerprint'] === known.fingerprint,
  )
  const agent = containers.find(({ Labels }) => Labels['com.docker.compose.service'] === 'claude')
  if (!asLeft || containers.length < 3 || typeof agent?.Id !== 'string') return null
  return { address: known.address, container: agent.Id }
}

type EngineContainer = { Id: string; Status: string; Labels: Record<string, string> }

/** To be called before anything is changed: a start that is cut off must not leave an old answer. */
export function forgetQuickSession(stack: string) {
  rmSync(quickSessionPath(stack), { force: true })
}
