import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import {
  cratesSites,
  debianSites,
  goSites,
  npmSites,
  type Preset,
  type PresetOptions,
  type PresetSites,
  pypiSites,
} from './registries.ts'

const githubSites: Preset = async () => ({
  urls: [
    'github.com',
    'api.github.com',
    'codeload.github.com',
    'objects.githubusercontent.com',
    'raw.githubusercontent.com',
    'release-assets.githubusercontent.com',
  ].map(host => `https://${host}`),
  notes: ['GitHub accepts uploads with any valid token: data that the agent reads can leave there'],
})

/** Groups of hosts by name. Registries and mirrors come from the configuration of their clients. */
export const presets: Record<string, Preset> = {
  npm: npmSites,
  debian: debianSites,
  github: githubSites,
  pypi: pypiSites,
  go: goSites,
  crates: cratesSites,
}

export async function presetSites(name: string, options: PresetOptions): Promise<PresetSites> {
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined
  if (preset) return preset(options)
  throw new UserError(`unknown preset @${terminalLine(name, 40)}`, {
    hint: `use one of ${Object.keys(presets)
      .map(known => `@${known}`)
      .join(', ')}`,
    exitCode: 2,
  })
}
