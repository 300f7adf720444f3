import { copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from '../base/errors.ts'
import { replaceFile } from '../files/replace-file.ts'
import type { StateFolder } from '../stack/state/state-folder.ts'
import { type ClosedGit, createClosedGit } from './closed-git.ts'
import { type HostRepository, objectFormatOf } from './repository.ts'

/**
 * A repository of ours, in the state folder of a session. Commits of the container are unpacked and judged in
 * it before they reach the user's repository, whose objects it borrows. They are read through it as well: it has
 * no configuration, no attributes and no files by which a commit could change how it is shown.
 */
export type Quarantine = { path: string; git: ClosedGit }

/** Opens the quarantine of a session, and makes it when it is missing. */
export async function openQuarantine(
  state: Pick<StateFolder, 'path'>,
  repository: HostRepository,
  signal?: AbortSignal,
): Promise<Quarantine> {
  const path = join(state.path, 'quarantine.git')
  const format = await objectFormatOf(repository)
  for (const folder of ['objects/info', 'objects/pack', 'refs']) {
    await mkdir(join(path, folder), { recursive: true, mode: 0o700 })
  }
  const objects = join(repository.gitDir, 'objects')
  await replaceFile(join(path, 'objects/info/alternates'), `${quoted(objects)}\n`)
  await replaceFile(join(path, 'config'), renderConfig(format))
  await replaceFile(join(path, 'HEAD'), 'ref: refs/heads/none\n')
  // Without it git would look for commits that a shallow clone does not have.
  await copyFile(join(repository.gitDir, 'shallow'), join(path, 'shallow')).catch(error => {
    if (!isMissing(error)) throw error
  })
  return { path, git: createClosedGit({ gitDir: path }, signal) }
}

/** Removes the objects of the quarantine: those that passed are in the user's repository. */
export async function emptyQuarantine({ path }: Quarantine): Promise<void> {
  const objects = join(path, 'objects')
  for (const name of await readdir(objects)) {
    if (name !== 'info') await rm(join(objects, name), { recursive: true, force: true })
  }
  await mkdir(join(objects, 'pack'), { recursive: true, mode: 0o700 })
}

function renderConfig(format: string) {
  const extensions = format === 'sha1' ? '' : `[extensions]\n\tobjectFormat = ${format}\n`
  return `[core]\n\trepositoryFormatVersion = ${format === 'sha1' ? 0 : 1}\n\tbare = true\n${extensions}`
}

/** Quotes a path as git reads it in `alternates`, where a leading # or " has a meaning. */
function quoted(path: string) {
  if (!/["\n\\#]/.test(path)) return path
  const escaped = path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
  return `"${escaped}"`
}
