import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'

/** What a preset opens on this machine, and what a person should know of it. */
export type PresetSites = { urls: string[]; notes: string[] }

export type PresetOptions = {
  /** The user's environment: where his clients and their configuration are. */
  env: NodeJS.ProcessEnv
  /** `DEBIAN_MIRROR` of the settings. */
  debianMirror?: string | undefined
  signal?: AbortSignal
}
export type Preset = (options: PresetOptions) => Promise<PresetSites>

/** Nobody to ask which mirror is used here: no registry is known by heart, and none is guessed. */
export function nobodyToAsk(preset: string, what: string, install: string, cause?: unknown) {
  return new UserError(`@${preset}: ${terminalLine(what, 200)}`, {
    hint: `${install}, or name the hosts: ./claude.ts allow NAME…`,
    cause,
  })
}

/** How a client is asked: in `/`, where no project's configuration has a say. */
export function asking({ env, signal }: PresetOptions) {
  return { cwd: '/', env, timeout: 30_000, ...(signal && { signal }) }
}
