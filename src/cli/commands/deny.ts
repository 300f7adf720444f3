import { UserError } from '../../base/errors.ts'
import { applyPolicyEdit } from '../../operations/policy/apply-policy.ts'
import { sitesOf } from '../../operations/policy/sites.ts'
import type { Invocation } from '../invocation.ts'
import { printPolicyResult } from '../render/policy.ts'
import type { AllowOptions } from './allow.ts'

export type DenyOptions = Pick<AllowOptions, 'services' | 'subdomains' | 'dryRun' | 'json'>

/** Removes names from a list in proxy/squid.conf, and waits until the proxies refuse them. */
export async function deny(names: readonly string[], options: DenyOptions, invocation: Invocation) {
  const { signal, log } = invocation
  const sites = await Promise.all(
    names.map(async typed => {
      try {
        return await sitesOf(typed, options, invocation)
      } catch (error) {
        // The file may hold an entry that `allow` would refuse; it must be removable.
        if (!(error instanceof UserError) || !/^[\w.*:[\]-]+$/.test(typed)) throw error
        return [{ name: typed.toLowerCase() }]
      }
    }),
  )
  const result = await applyPolicyEdit(
    {
      list: options.services ? 'server_sites' : 'allowed_sites',
      allow: [],
      deny: [...new Set(sites.flat().map(({ name }) => name))],
    },
    { dryRun: options.dryRun ?? false, log, signal },
  )
  printPolicyResult(result, { json: options.json ?? false, dryRun: options.dryRun ?? false })
}
