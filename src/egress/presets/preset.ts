import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'

/** The URLs that a preset allows on this machine, and notes for the user. */
export type PresetSites = { urls: string[]; notes: string[] }

export type PresetOptions = {
  /** The user's environment, which leads to the clients and their configuration. */
  env: NodeJS.ProcessEnv
  /** `DEBIAN_MIRROR` of the settings. */
  debianMirror?: string | undefined
  signal?: AbortSignal
}
export type Preset = (options: PresetOptions) => Promise<PresetSites>

/** The error for a registry that no client here reports: presets neither hard-code nor guess one. */
export function unknownSource(preset: string, what: string, fix: string, cause?: unknown) {
  return new UserError(`@${preset}: ${terminalLine(what, 200)}`, {
    hint: `${fix}, or name the hosts: ${command('allow NAME…')}`,
    cause,
  })
}

/** Options to run a client in `/`, where no project's configuration applies. */
export function clientOptions({ env, signal }: PresetOptions) {
  return { cwd: '/', env, timeout: 30_000, ...(signal && { signal }) }
}
