import { join } from 'node:path'
import { readRegularFile, textOf } from '../files/regular-file.ts'
import { replaceFile } from '../files/replace-file.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import { isObjectId } from './repository.ts'

/** The newest commit of a session that was pushed. A push of ours moves no reference of the user's repository. */
const placeOf = (stack: string, root?: string) =>
  join(stateFolder(stack, root).path, 'pushed-commit')

/** Notes that a commit of a session is on a remote: this one, also if another with a signature was pushed. */
export async function notePushed(stack: string, commit: string, root?: string): Promise<void> {
  await replaceFile(placeOf(stack, root), `${commit}\n`)
}

/** Returns the newest commit of a session that was pushed; null without one. */
export async function readPushed(stack: string, root?: string): Promise<string | null> {
  const text = textOf(await readRegularFile(placeOf(stack, root), { limit: 100 }))?.trim() ?? ''
  return isObjectId(text) ? text : null
}
