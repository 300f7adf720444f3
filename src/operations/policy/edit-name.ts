import type { Log } from '../../base/log.ts'
import { parseSiteName, refuseDangerous } from '../../egress/site-name.ts'
import type { StackIdentity } from '../../stack/identity.ts'
import { applyPolicyEdit, type PolicyResult } from './apply-policy.ts'

/** One name on port 443, and whose list it is for: that of one stack with `here`, else the agent's of every folder. */
export type NameEdit = { name: string; here: boolean; identity: StackIdentity }

type Options = { log: Log; signal: AbortSignal }

/** Allows one name, as `allow` does: refuses addresses, wildcards and hosts that anyone can use. */
export async function allowName(edit: NameEdit, options: Options): Promise<PolicyResult> {
  const { here, identity } = edit
  const site = parseSiteName(edit.name)
  refuseDangerous(site, {})
  const grant = { name: site.name, port: 443, tls: true }
  const list = 'allowed_sites'
  return applyPolicyEdit(
    { list, allow: [grant], deny: [], here },
    { ...options, identity, dryRun: false },
  )
}

/** Removes one name from a list. */
export async function denyName(edit: NameEdit, options: Options): Promise<PolicyResult> {
  const { here, identity } = edit
  const { name } = parseSiteName(edit.name)
  const list = 'allowed_sites'
  return applyPolicyEdit(
    { list, allow: [], deny: [{ name }], here },
    { ...options, identity, dryRun: false },
  )
}
