import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../../base/command.ts'
import { messageOf, UserError } from '../../base/errors.ts'
import { step } from '../../base/log.ts'
import { lastLine, terminalLine } from '../../base/terminal-text.ts'
import { exec } from '../../process/exec.ts'
import { removeTree } from '../../process/remove-tree.ts'
import {
  copyVolume,
  hasUnappliedWork,
  type Remains,
  readCopyRemains,
  removeRemains,
} from '../../stack/remains.ts'
import { forgetSecrets } from '../../stack/secrets.ts'
import { withLock } from '../../stack/state/lock.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { stackExists, stopStack } from '../../stack/stop.ts'
import type { Context } from '../context.ts'
import { newestImage } from '../images.ts'
import { planUninstall, type UninstallPlan } from './plan.ts'

/**
 * Removes a folder, but none of the paths in `kept` and no folder above one of them. Follows no symlink.
 * Returns whether all of it was removed.
 */
export async function removeFolder(path: string, kept: readonly string[]): Promise<boolean> {
  if (kept.includes(path)) return false
  if (!kept.some(other => other.startsWith(`${path}/`))) {
    await removeTree(path)
    return true
  }
  const status = await lstat(path)
  // A kept path below a symlink is elsewhere; the link is not ours to follow.
  if (!status.isDirectory()) return false
  for (const name of await readdir(path)) await removeFolder(join(path, name), kept)
  return false
}

export type UninstallOptions = {
  yes?: boolean
  dryRun?: boolean
  /** Also removes copies with unapplied changes, and files that were moved out of a workspace. */
  force?: boolean
  /** Shows the plan, before confirmation. */
  show: (plan: UninstallPlan) => void
}

/** What stayed; empty when everything was removed. */
export type Kept = { stacks: string[]; folders: string[] }

/**
 * Removes this user's stacks, volumes, state and downloads, and this checkout's images. Keeps copies with
 * unapplied changes unless told to discard them. Returns null when nothing was done.
 */
export async function uninstall(
  context: Context,
  { yes = false, dryRun = false, force = false, show }: UninstallOptions,
): Promise<Kept | null> {
  const plan = await planUninstall(context)
  show(plan)
  if (dryRun) return null
  const question = 'Permanently remove all of this?'
  if (!yes && !(await context.confirm(question, '--yes', { byDefault: false }))) return null
  const kept: Kept = { stacks: [], folders: force ? [] : [...plan.withdrawn] }
  const failures: unknown[] = []
  for (const remains of plan.stacks) {
    try {
      if (await removeStack(context, remains, force)) continue
    } catch (error) {
      context.signal.throwIfAborted()
      failures.push(error)
    }
    kept.stacks.push(remains.stack.id)
    kept.folders.push(stateFolder(remains.stack.stack).path)
  }
  // A kept copy is read through an image.
  if (kept.stacks.length === 0) await removeImages(context, plan.images)
  for (const folder of plan.folders) await removeFolder(folder, kept.folders)
  for (const reason of failures) context.log({ kind: 'warn', text: messageOf(reason) })
  if (failures.length === 0) return kept
  throw new UserError(`${failures.length} of ${plan.stacks.length} stacks could not be removed`, {
    hint: `see the warnings above, then run ${command('uninstall')} again`,
    cause: failures[0],
  })
}

/** Stops a stack and removes it; returns false when its copy is kept. */
function removeStack(context: Context, { stack, copy }: Remains, force: boolean) {
  const { engine, docker, log, signal } = context
  const name = stack.stack
  return withLock(name, { log, signal }, async () => {
    if (await stackExists(engine, name)) await stopStack(docker, name, { log, signal })
    else await forgetSecrets(stateFolder(name))
    // Read again: until the stop, its agent could change the copy.
    const now = copy && (await readCopyRemains(context, name, () => newestImage(engine, 'claude')))
    if (!force && hasUnappliedWork({ copy: now })) {
      const reason = `its copy (volume ${copyVolume(name)}) has unapplied changes`
      log({ kind: 'warn', text: `kept ${stack.id}: ${reason}` })
      return false
    }
    await removeRemains(context, name, { log, signal })
    return true
  })
}

/** Removes images one by one: the engine refuses one that another checkout's container uses. */
async function removeImages({ docker, log, signal }: Context, images: readonly string[]) {
  if (images.length === 0) return
  await step(
    log,
    `removing ${images.length} ${images.length === 1 ? 'image' : 'images'}`,
    async () => {
      for (const name of images) {
        const args = ['image', 'rm', '--', name]
        const { code, stderr } = await exec(docker.file, args, { env: docker.env, signal })
        if (code === 0) continue
        log({
          kind: 'warn',
          text: `kept the image ${name}: ${terminalLine(lastLine(stderr), 200)}`,
        })
      }
    },
  )
}
