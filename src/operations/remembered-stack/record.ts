import { realpath } from 'node:fs/promises'
import { imageAdditions } from '../../config/image-additions.ts'
import { checkoutRoot, customRoot } from '../../config/paths.ts'
import { settingsInEnvironment } from '../../config/setting-names.ts'
import type { Settings } from '../../config/settings.ts'
import { folderStack } from '../../stack/identity.ts'
import { lostOverlays } from '../../stack/protection.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { forgetStack, type RememberedService, rememberStack, type StackAgent } from './memory.ts'
import {
  additionsStamp,
  checkoutStamp,
  fileStamp,
  imageAdditionsStamp,
  overlayStamp,
} from './stamps.ts'

/** Records one start in the current folder, so that the next command can skip it. */
export type StartRecord = {
  /** Call once the settings are loaded, before the user's additions are read. */
  settingsLoaded: (settings: Settings) => void
  /** Call when the stack is up with current settings. */
  finish: (agent: StackAgent & { fingerprint: string }) => Promise<void>
}

/**
 * Takes the stamps before the inputs are read, so that the next start notices any later change, and
 * forgets the outcome of the last start.
 */
export async function recordStart(service: RememberedService): Promise<StartRecord> {
  const folder = await realpath(process.cwd())
  const stamp = await checkoutStamp(checkoutRoot(), folder, settingsInEnvironment())
  const ownSettings = stateFolder(folderStack(folder).name).settings
  const own = fileStamp(ownSettings)
  forgetStack(folder, service)
  let looked: ReturnType<typeof additionsOf> | null = null
  return {
    settingsLoaded(settings) {
      looked = additionsOf(settings, folder)
    },
    async finish(agent) {
      // Taken before the check: a file that is replaced in between changes the stamp.
      const overlays = overlayStamp(folder)
      // A file that was replaced during the start is not under the stack's overlay.
      if (!looked || (await lostOverlays(stateFolder(agent.stack))).length > 0) return
      rememberStack(folder, service, { ...agent, ...looked, stamp, overlays, ownSettings, own })
    },
  }
}

function additionsOf(settings: Settings, folder: string) {
  const customFolder = customRoot(settings)
  const additions = imageAdditions(settings)
  return {
    customFolder,
    custom: additionsStamp(customFolder, folder),
    additions,
    added: imageAdditionsStamp(additions),
  }
}
