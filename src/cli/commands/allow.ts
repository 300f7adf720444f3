import { parseLease } from '../../base/duration.ts'
import { untilText } from '../../egress/expiry.ts'
import { refuseDangerous } from '../../egress/site-name.ts'
import { applyPolicyEdit } from '../../operations/policy/apply-policy.ts'
import { sitesOf } from '../../operations/policy/sites.ts'
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

/** Adds names to a list in proxy/squid.conf, and waits until the proxies allow them. */
export async function allow(
  names: readonly string[],
  options: AllowOptions,
  invocation: Invocation,
) {
  const { signal, log } = invocation
  const seconds = options.for === undefined ? null : parseLease(options.for)
  const sites = (await Promise.all(names.map(name => sitesOf(name, options, invocation)))).flat()
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
