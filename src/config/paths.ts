import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * Returns the checkout of this code: the nearest folder above it that holds compose.yaml. Never
 * the working directory, which is the untrusted workspace.
 */
export function checkoutRoot(): string {
  let folder = import.meta.dirname
  while (!existsSync(join(folder, 'compose.yaml'))) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error(`no compose.yaml above ${import.meta.dirname}`)
    folder = parent
  }
  return folder
}

/** Returns the folder for data that outlives a stack: `$XDG_STATE_HOME/claude-secure`, mode 0700. */
export function stateRoot(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_STATE_HOME || join(homedir(), '.local/state'), 'claude-secure')
}

/** Returns the demo's folder, which is not part of any project. */
export function demoFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(stateRoot(env), 'demo', 'welcome')
}

/** Returns the folder for downloads that can be fetched again: `$XDG_CACHE_HOME/claude-secure`. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'claude-secure')
}

/** Returns the folder of the user's additions: `CUSTOM_DIR`, else `$XDG_CONFIG_HOME/claude-secure`. */
export function customRoot(
  settings: { CUSTOM_DIR?: string | undefined },
  env: NodeJS.ProcessEnv = process.env,
): string {
  return (
    settings.CUSTOM_DIR ?? join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'claude-secure')
  )
}
