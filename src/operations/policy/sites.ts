import type { Log } from '../../base/log.ts'
import { userEnvironment } from '../../config/environment.ts'
import { checkoutRoot } from '../../config/paths.ts'
import { parseSiteName, type SiteName } from '../../egress/site-name.ts'
import type { Caller } from '../context.ts'

/** Resolves a typed name, URL, or preset such as `@npm`. */
export async function sitesOf(
  typed: string,
  { subdomains = false }: { subdomains?: boolean },
  { log, signal }: Pick<Caller, 'log' | 'signal'>,
): Promise<SiteName[]> {
  if (typed.startsWith('@')) return presetSites(typed, { log, signal })
  const site = parseSiteName(typed)
  if (site.from) note(log, `using ${site.name} of ${site.from}`)
  const name = subdomains && !site.name.startsWith('.') ? `.${site.name}` : site.name
  return [{ ...site, name }]
}

async function presetSites(typed: string, { log, signal }: Pick<Caller, 'log' | 'signal'>) {
  // Loaded on demand: presets ask registries for their hosts.
  const { presetSites } = await import('../../egress/presets/presets.ts')
  const { loadSettings } = await import('../../config/load-settings.ts')
  const { DEBIAN_MIRROR } = await loadSettings(checkoutRoot())
  const options = { env: userEnvironment(), debianMirror: DEBIAN_MIRROR, signal }
  const { urls, notes } = await presetSites(typed.slice(1), options)
  const sites = urls.map(url => parseSiteName(url))
  note(log, `${typed} is ${[...new Set(sites.map(({ name }) => name))].join(', ')}`)
  for (const text of notes) note(log, text)
  return sites.map(({ name }) => ({ name }))
}

function note(log: Log, text: string) {
  log({ kind: 'info', text: `note: ${text}` })
}
