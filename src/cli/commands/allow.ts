import { parseLease } from '../../base/duration.ts'
import type { Log } from '../../base/log.ts'
import { userEnvironment } from '../../config/environment.ts'
import { loadSettings } from '../../config/load-settings.ts'
import { checkoutRoot } from '../../config/paths.ts'
import { untilText } from '../../egress/expiry.ts'
import { parseSiteName, refuseDangerous, type SiteName } from '../../egress/site-name.ts'
import { applyPolicyEdit } from '../../operations/policy/apply-policy.ts'
import type { Invocation } from '../invocation.ts'
import { printPolicyResult } from '../render/policy.ts'

export type AllowOptions = {
  for?: string
  services?: boolean
  subdomains?: boolean
  force?: boolean
  dryRun?: boolean
  json?: boolean
}

/** Puts names on a list of proxy/squid.conf, and waits until the proxies let them through. */
export async function allow(
  names: readonly string[],
  options: AllowOptions,
  invocation: Invocation,
) {
  const { signal, log } = invocation
  const seconds = options.for === undefined ? null : parseLease(options.for)
  const sites = (
    await Promise.all(names.map(name => sitesOf(name, options, invocation, log)))
  ).flat()
  for (const site of sites) refuseDangerous(site, options)
  const result = await applyPolicyEdit(
    {
      list: options.services ? 'server_sites' : 'allowed_sites',
      allow: [...new Set(sites.map(({ name }) => name))],
      deny: [],
      ...(seconds && { until: untilText(new Date(Date.now() + seconds * 1000)) }),
    },
    { dryRun: options.dryRun ?? false, log, signal },
  )
  printPolicyResult(result, { json: options.json ?? false, dryRun: options.dryRun ?? false })
}

/** What was typed: a name, a URL, or a preset of several. */
export async function sitesOf(
  typed: string,
  { subdomains }: Pick<AllowOptions, 'subdomains'>,
  { signal }: Invocation,
  log: Log,
): Promise<SiteName[]> {
  const note = (text: string) => log({ kind: 'info', text: `note: ${text}` })
  if (typed.startsWith('@')) {
    const { presetSites } = await import('../../egress/presets/presets.ts')
    const { DEBIAN_MIRROR } = await loadSettings(checkoutRoot())
    const options = { env: userEnvironment(), debianMirror: DEBIAN_MIRROR, signal }
    const { urls, notes } = await presetSites(typed.slice(1), options)
    const sites = urls.map(url => parseSiteName(url))
    note(`${typed} is ${[...new Set(sites.map(({ name }) => name))].join(', ')}`)
    for (const text of notes) note(text)
    return sites.map(({ name }) => ({ name }))
  }
  const site = parseSiteName(typed)
  if (site.from) note(`${site.name} is taken from ${site.from}`)
  const name = subdomains && !site.name.startsWith('.') ? `.${site.name}` : site.name
  return [{ ...site, name }]
}
