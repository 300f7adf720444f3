import { mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ImageAdditions } from '../../config/image-additions.ts'
import { checkoutRoot, stateRoot } from '../../config/paths.ts'
import { replaceFileSync } from '../../files/replace-file.ts'
import type { RunningAgent } from '../../stack/inspect.ts'
import { serviceOfRuns, serviceOfSessions } from '../../stack/services.ts'
import {
  additionsStamp,
  checkoutStamp,
  fileStamp,
  imageAdditionsStamp,
  overlayStamp,
} from './stamps.ts'

/** An agent's container, and the stack and folder it belongs to. */
export type StackAgent = RunningAgent & {
  /** Name of the stack. */
  stack: string
  /** Real path of the folder on the host. */
  workspace: string
}

/**
 * The outcome of the last start in a folder. As long as the stamps match, no input of the stack has
 * changed: checkout, .env, settings in the environment, owner of the folder, the user's additions.
 */
export type RememberedStack = StackAgent & {
  fingerprint: string
  stamp: string
  overlays: string
  /** The folder's own settings, and their stamp. */
  ownSettings: string
  own: string
  /** Folder of the user's additions, which depends on settings, and their stamp. */
  customFolder: string
  custom: string
  /** The additions that are built into the image, and their stamp. */
  additions: ImageAdditions
  added: string
}

/** `claude` holds sessions, `worker` runs prompts; each is remembered separately. */
export type RememberedService = keyof typeof folders
const folders = { [serviceOfSessions]: 'sessions', [serviceOfRuns]: 'workers' } as const

/** Keyed by folder name rather than a hash, to keep node:crypto off the fast path. */
function memoryPath(folder: string, service: RememberedService): string {
  return join(stateRoot(), folders[service], `${encodeURIComponent(folder)}.json`)
}

/** Returns the outcome of the last start in the current folder; null when one of its inputs changed. */
export async function rememberedStack(
  settings: Record<string, string | undefined>,
  service: RememberedService,
): Promise<RememberedStack | null> {
  const known = recallStack(service)
  return known && (await isUnchanged(known, settings)) ? known : null
}

/** Returns the outcome of the last start in the current folder, regardless of later changes. */
export function recallStack(service: RememberedService): RememberedStack | null {
  try {
    const folder = realpathSync(process.cwd())
    return JSON.parse(readFileSync(memoryPath(folder, service), 'utf8'))
  } catch {
    // A full start finds the reason and reports it.
    return null
  }
}

/** Returns whether the inputs of a stack are those of the last start in the current folder. */
export async function isUnchanged(
  known: RememberedStack,
  settings: Record<string, string | undefined>,
): Promise<boolean> {
  try {
    const folder = realpathSync(process.cwd())
    return (
      known.overlays === overlayStamp(folder) &&
      known.own === fileStamp(known.ownSettings) &&
      known.custom === additionsStamp(known.customFolder, folder) &&
      known.added === imageAdditionsStamp(known.additions) &&
      known.stamp === (await checkoutStamp(checkoutRoot(), folder, settings))
    )
  } catch {
    return false
  }
}

/** Stores the outcome for the next command, unless the folder's name is too long for a file name. */
export function rememberStack(folder: string, service: RememberedService, known: RememberedStack) {
  const path = memoryPath(folder, service)
  try {
    mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 })
    replaceFileSync(path, JSON.stringify(known))
  } catch {
    forgetStack(folder, service)
  }
}

/** Call before anything is changed: an interrupted start must not leave a stale answer. */
export function forgetStack(folder: string, service: RememberedService) {
  try {
    rmSync(memoryPath(folder, service), { force: true })
  } catch {
    // A name that no file can have was never remembered.
  }
}
