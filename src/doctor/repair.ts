import { chmod } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { command } from '../base/command.ts'
import { messageOf, UserError } from '../base/errors.ts'
import { type Log, step } from '../base/log.ts'
import { userEnvironment } from '../config/environment.ts'
import { loadSettings } from '../config/load-settings.ts'
import { cacheRoot, checkoutRoot, stateRoot } from '../config/paths.ts'
import { createEngine } from '../engine/engine.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { type FoundEngine, findEngine } from '../engine/find-engine.ts'
import { isBelow } from '../files/beneath.ts'
import { findInitSystem, startEngine } from '../machine/engine-start.ts'
import { ensureImages } from '../operations/images.ts'
import { readyClient } from '../operations/setup.ts'
import { exec } from '../process/exec.ts'
import { removeTree } from '../process/remove-tree.ts'
import { withLock } from '../stack/state/lock.ts'
import { stopStack } from '../stack/stop.ts'
import type { Diagnosis, Repair } from './diagnosis.ts'
import { emptyStacks } from './leftovers.ts'

/** Describes a repair, one line for each step. */
export function describeRepair(repair: Repair): string[] {
  switch (repair.kind) {
    case 'set-mode':
      return [`chmod ${repair.mode.toString(8)} ${repair.path}`]
    case 'start-engine':
      return ['start the container engine']
    case 'build-images':
      return ['build the missing images']
    case 'remove-images':
      return repair.names.map(name => `remove the image ${name}`)
    case 'remove-files':
      return repair.paths.map(path => `remove ${path}`)
    case 'remove-networks':
      return repair.stacks.map(stack => `remove the networks of ${stack}`)
    default:
      return repair satisfies never
  }
}

/** A step of a repair and its outcome. */
export type Repaired = {
  what: string
  outcome: 'would be done' | 'done' | 'failed'
  reason?: string
}

/** Repairs every finding that can be repaired without losing data; a failure does not stop the others. */
export async function repairAll(
  findings: readonly Pick<Diagnosis, 'repair'>[],
  options: { dryRun: boolean; log: Log; signal: AbortSignal },
): Promise<Repaired[]> {
  const done: Repaired[] = []
  for (const { repair } of findings) {
    if (!repair) continue
    const result = options.dryRun
      ? { outcome: 'would be done' as const }
      : await tryRepair(repair, options)
    done.push(...describeRepair(repair).map(what => ({ what, ...result })))
  }
  return done
}

async function tryRepair(
  repair: Repair,
  options: { log: Log; signal: AbortSignal },
): Promise<Omit<Repaired, 'what'>> {
  try {
    await runRepair(repair, options)
    return { outcome: 'done' }
  } catch (error) {
    options.signal.throwIfAborted()
    return { outcome: 'failed', reason: messageOf(error) }
  }
}

export async function runRepair(repair: Repair, options: { log: Log; signal: AbortSignal }) {
  const { log, signal } = options
  switch (repair.kind) {
    case 'set-mode':
      return chmod(repair.path, repair.mode)
    case 'start-engine':
      return start(log, signal)
    case 'build-images':
      return build(log, signal)
    case 'remove-images':
      return removeImages(repair.names, (await connect(log)).client, signal)
    case 'remove-files':
      return removeFiles(repair.paths)
    case 'remove-networks':
      return removeNetworks(repair.stacks, await connect(log), { log, signal })
    default:
      return repair satisfies never
  }
}

async function start(log: Log, signal: AbortSignal) {
  const uid = process.getuid?.() ?? 0
  const init = await findInitSystem()
  const find = () => findEngine(userEnvironment(), uid)
  await step(log, 'engine', progress => startEngine({ uid, init, find, progress, signal }))
}

async function build(log: Log, signal: AbortSignal) {
  const root = checkoutRoot()
  const network = userEnvironment()
  const settings = await loadSettings(root)
  const { found, client } = await connect(log)
  const engine = createEngine(found.address)
  await ensureImages({ root, settings, engine, client, network, log, signal })
}

type Connection = { found: FoundEngine; client: DockerClient }

async function connect(log: Log): Promise<Connection> {
  const { found } = await findEngine(userEnvironment())
  if (!found)
    throw new UserError('no container engine answers', { hint: `run ${command('setup')}` })
  return { found, client: await readyClient(found, event => event.kind === 'warn' || log(event)) }
}

async function removeImages(names: readonly string[], client: DockerClient, signal: AbortSignal) {
  for (const name of names) {
    // The engine refuses to remove an image that a container uses.
    await exec(client.file, ['image', 'rm', name], { env: client.env, signal })
  }
}

/** Removes files, but only below our own folders. */
async function removeFiles(paths: readonly string[]) {
  const own = [join(stateRoot(), 'stacks'), cacheRoot()]
  for (const path of paths) {
    if (!own.some(folder => isBelow(folder, resolve(path)))) {
      throw new Error(`refused to remove ${path}: it is outside of our own folders`)
    }
    await removeTree(path)
  }
}

/** Checks once more under the stack's lock: a start creates its networks first. */
async function removeNetworks(
  stacks: readonly string[],
  { found, client }: Connection,
  options: { log: Log; signal: AbortSignal },
) {
  const engine = createEngine(found.address)
  for (const stack of stacks) {
    await withLock(stack, options, async () => {
      if ((await emptyStacks(engine)).includes(stack)) await stopStack(client, stack, options)
    })
  }
}
