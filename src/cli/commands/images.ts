import { resolve } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { userEnvironment } from '../../config/environment.ts'
import { loadSettings } from '../../config/load-settings.ts'
import { checkoutRoot } from '../../config/paths.ts'
import type { Target } from '../../images/image-tags.ts'
import { openContext } from '../../operations/context.ts'
import { loadOwnImages, saveOwnImages } from '../../operations/image-archive.ts'
import { runBuild } from '../../operations/images.ts'
import { runSetup } from '../../operations/setup.ts'
import { updateImages } from '../../operations/update.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'

type SetupOptions = { yes?: boolean; dryRun?: boolean }

/** Prepares this machine; asks before it installs anything. */
export async function setup(options: SetupOptions, invocation: Invocation): Promise<void> {
  const isReady = await prepareMachine(options, invocation)
  if (!isReady || options.dryRun) return
  invocation.log({ kind: 'info', text: `this machine is ready; run ${calledAs()} start` })
}

/** Does the work of `setup`, for a command that goes on by itself. Returns whether the machine is ready. */
export async function prepareMachine(
  options: SetupOptions,
  { signal, log, confirm }: Invocation,
): Promise<boolean> {
  const root = checkoutRoot()
  const result = await runSetup({
    yes: options.yes ?? false,
    dryRun: options.dryRun ?? false,
    log,
    settings: await loadSettings(root),
    root,
    env: userEnvironment(),
    confirm,
    signal,
  })
  return result !== null
}

export type BuildOptions = { cache: boolean; target?: Target; claudeVersion?: string }

/** Builds the images and prints their tags. */
export async function build(options: BuildOptions, invocation: Invocation) {
  const { log, settings, docker, root, signal } = await openContext(invocation, null)
  const target = options.target ?? settings.IMAGE_TARGET
  const images = await runBuild({
    log,
    settings,
    client: docker,
    root,
    env: userEnvironment(),
    target,
    noCache: !options.cache,
    ...(options.claudeVersion && { claudeVersion: options.claudeVersion }),
    signal,
  })
  for (const tag of new Set(Object.values(images))) console.log(tag)
  if (target !== settings.IMAGE_TARGET) {
    log({ kind: 'info', text: `set IMAGE_TARGET=${target} in .env to start stacks with it` })
  }
}

/** Moves the pins to the newest releases and rebuilds; prints what changed. */
export async function update(
  { dryRun = false }: { dryRun?: boolean },
  invocation: Invocation,
): Promise<void> {
  const context = await openContext(invocation, null)
  const changes = await updateImages(context, { dryRun })
  for (const { name, before, after } of changes) console.log(`${name} ${before} → ${after}`)
  context.log({ kind: 'info', text: summary(changes.length, dryRun) })
}

function summary(changes: number, dryRun: boolean) {
  if (changes === 0) return 'everything is up to date'
  return dryRun
    ? `nothing was changed; run ${calledAs()} update to install these versions`
    : `built; running stacks switch over at their next ${calledAs()} start`
}

/** Writes the images into one file, and prints its digest. */
export async function save(path: string, invocation: Invocation): Promise<void> {
  const context = await openContext(invocation, null)
  console.log(await saveOwnImages(context, resolve(path)))
}

/** Loads the images of a file that has this digest. */
export async function load(
  path: string,
  { digest }: { digest: string },
  invocation: Invocation,
): Promise<void> {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) {
    throw new UserError(`${terminalLine(digest, 100)} is not a digest`, {
      hint: `copy the line that ${calledAs()} images save printed: sha256:…`,
      exitCode: 2,
    })
  }
  const context = await openContext(invocation, null)
  const missing = await loadOwnImages(context, { path: resolve(path), digest })
  const rest =
    missing.length === 0 ? 'all images are here' : `still to build: ${missing.join(', ')}`
  context.log({ kind: 'info', text: `loaded; ${rest}` })
}
