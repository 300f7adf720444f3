import { realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { ImageAdditions } from '../../config/image-additions.ts'
import { overlaps } from '../../files/within.ts'
import { listAdditions } from '../../images/additions.ts'

/**
 * Refuses image additions that the agent can write: their build steps run as root, with the host's
 * network. `writable` is a resolved path: the agent's workspace, or a folder mounted for it.
 */
export function refuseAdditionsOfAgent(additions: ImageAdditions, writable: string): void {
  const { scripts, context } = listAdditions(additions)
  const folders = [
    ...(scripts.length > 0 ? [additions.scripts] : []),
    ...(context ? [dirname(additions.dockerfile)] : []),
  ]
  for (const folder of folders) {
    const path = realpathSync(folder)
    if (!overlaps(path, writable)) continue
    throw new UserError(
      `${terminalLine(folder)} goes into the image, and the agent can write in it or below it: ${terminalLine(writable)} is its to write`,
      {
        hint: 'keep your additions apart from the workspace and from what is mounted (CUSTOM_DIR, DOCKERFILE in .env)',
      },
    )
  }
}
