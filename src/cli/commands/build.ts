import { userEnvironment } from '../../config/environment.ts'
import type { Target } from '../../images/image-tags.ts'
import { openContext } from '../../operations/context.ts'
import { runBuild } from '../../operations/images.ts'
import type { Invocation } from '../invocation.ts'

export type BuildOptions = { cache: boolean; target?: Target; claudeVersion?: string }

/** Builds the images and prints their tags. */
export async function build(options: BuildOptions, invocation: Invocation) {
  const { log, settings, docker, root, signal } = await openContext(invocation)
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
