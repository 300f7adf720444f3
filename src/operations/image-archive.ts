import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { step } from '../base/log.ts'
import { loadImages, saveImages } from '../images/image-archive.ts'
import { readPins } from '../images/pins.ts'
import { withLock } from '../stack/state/lock.ts'
import type { Context } from './context.ts'
import { findMissingImages } from './images.ts'

/** Writes the images that this checkout starts with into one file; returns its digest. */
export async function saveOwnImages(context: Context, path: string): Promise<string> {
  const { tags, missing } = await ownImages(context)
  const [first] = missing
  if (first !== undefined) {
    throw new UserError(`the image ${tags[first]} is missing`, {
      hint: `run ${command('build')} first`,
    })
  }
  const { docker: client, log, signal } = context
  const names = [...new Set(Object.values(tags))]
  return step(log, `writing ${names.length} images`, () =>
    saveImages(names, { client, path, signal }),
  )
}

/**
 * Takes the images of such a file in place of building them. Returns the names of those that are still
 * missing, which the next start builds.
 */
export async function loadOwnImages(
  context: Context,
  { path, digest }: { path: string; digest: string },
): Promise<string[]> {
  const { docker: client, log, signal } = context
  const { tags } = await ownImages(context)
  const names = [...new Set(Object.values(tags))]
  await withLock('images', { log, signal }, () =>
    step(log, 'loading the images', () => loadImages({ digest, names }, { client, path, signal })),
  )
  const { missing } = await ownImages(context)
  return [...new Set(missing.map(name => tags[name]))]
}

async function ownImages({ root, settings, engine }: Context) {
  return findMissingImages({ root, settings, engine, pins: await readPins(root) })
}
