import { copyFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from '../../base/errors.ts'
import { stackOwner } from '../../config/environment.ts'
import { folderStack } from '../../stack/identity.ts'
import { refuseOtherOwner } from '../../stack/state/owner.ts'
import {
  makePolicyFolder,
  makeStateFolder,
  type StateFolder,
  stateFolder,
} from '../../stack/state/state-folder.ts'
import { folderGrantsPath } from '../policy/policy-files.ts'

/**
 * Gives a new session what the person decided for its folder: settings, names of its list and approvals. What is
 * decided later holds for the stack in which it was decided.
 */
export async function inheritFromFolder(folder: string, state: StateFolder): Promise<void> {
  const identity = folderStack(folder, stackOwner())
  const from = stateFolder(identity.name)
  await refuseOtherOwner(identity, from)
  await makeStateFolder(state)
  await makePolicyFolder(state)
  const consents = (of: StateFolder) => join(of.path, 'consents.json')
  for (const place of [(of: StateFolder) => of.settings, consents, folderGrantsPath]) {
    await copyUnlessThere(place(from), place(state))
  }
}

async function copyUnlessThere(from: string, to: string) {
  if (await stat(to).catch(() => null)) return
  await copyFile(from, to).catch(error => {
    if (!isMissing(error)) throw error
  })
}
