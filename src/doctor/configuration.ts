import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../base/command.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { findings, grantFindings } from '../egress/findings.ts'
import { describeGrant, isPlain } from '../egress/grants.ts'
import type { PolicyLists } from '../operations/policy/policy-files.ts'
import type { PolicyJudgement } from '../stack/policy-proxies.ts'
import { type Check, note, ok, problem, warning } from './diagnosis.ts'

/** A file or folder that only its owner may access, with its permission bits; null when it is missing. */
export type Guarded = { path: string; mode: number | null }

/** Reads the modes of the places that hold secrets: .env, the stacks' folders and credential files. */
export async function readModes(root: string, state: string): Promise<Guarded[]> {
  const stacks = join(state, 'stacks')
  const names = await readdir(stacks).catch(() => [])
  const paths = [
    join(root, '.env'),
    state,
    stacks,
    ...names.flatMap(name => [join(stacks, name), join(stacks, name, 'credential.json')]),
  ]
  return Promise.all(
    paths.map(async path => {
      const status = await stat(path).catch(() => null)
      return { path, mode: status ? status.mode & 0o7777 : null }
    }),
  )
}

export function judgeModes([envFile, ...state]: readonly Guarded[]): Check[] {
  return [
    ...(envFile ? [judge('env-file', envFile, 'only its owner can read .env')] : []),
    ...collect(state),
  ]
}

function collect(guarded: readonly Guarded[]): Check[] {
  const open = guarded.filter(isOpen)
  if (open.length > 0) return open.map(item => judge('state-modes', item, ''))
  return [ok('state-modes', "only their owner can read the stacks' state folders")]
}

function judge(id: string, { path, mode }: Guarded, good: string): Check {
  if (mode === null) return ok(id, `${path} does not exist`)
  if (!isOpen({ path, mode })) return ok(id, good)
  const closed = mode & 0o700
  return warning(id, `other users can read ${path}`, `run chmod ${closed.toString(8)} ${path}`, {
    kind: 'set-mode',
    path,
    mode: closed,
  })
}

function isOpen({ mode }: Guarded) {
  return mode !== null && (mode & 0o077) !== 0
}

/** Checks that the proxy, which has a user of its own, can read the policy: a umask of 027 or 077 closes it. */
export async function checkPolicyModes(root: string): Promise<Check[]> {
  const wanted = [
    { path: join(root, 'proxy'), bits: 0o055 },
    { path: join(root, 'proxy/squid.conf'), bits: 0o044 },
  ]
  const checks: Check[] = []
  for (const { path, bits } of wanted) {
    const mode = ((await stat(path).catch(() => null))?.mode ?? bits) & 0o7777
    if ((mode & bits) === bits) continue
    const open = mode | bits
    checks.push(
      warning('policy-modes', `the proxy's user cannot read ${path}`, `run chmod a+rX ${path}`, {
        kind: 'set-mode',
        path,
        mode: open,
      }),
    )
  }
  return checks.length > 0 ? checks : [ok('policy-modes', "the proxy's user can read the policy")]
}

/**
 * Judges the squid.conf on disk. Throws if it cannot be parsed. `squid`: what Squid itself says about it; null when it
 * could not be asked.
 */
export function judgeAllowlist(
  text: string,
  path: string,
  squid: PolicyJudgement | null = null,
): Check[] {
  if (squid?.verdict === 'refused') {
    return [
      problem(
        'allowlist',
        `Squid refuses proxy/squid.conf: ${terminalLine(squid.reason, 200)}`,
        'fix proxy/squid.conf; git diff proxy/squid.conf shows the edit',
      ),
    ]
  }
  const found = findings(text, path)
  if (found.length === 0) {
    const asked = squid?.verdict === 'accepted' ? ', and Squid accepts it' : ''
    return [ok('allowlist', `proxy/squid.conf contains the shipped policy${asked}`)]
  }
  return found.map(({ line, message, advice }) =>
    warning('allowlist', `proxy/squid.conf${line ? `:${line}` : ''}: ${message}`, advice),
  )
}

/** Reports the grants, each of which opens what the lists cannot: private networks and other ports. */
export function judgeGrants({ checkout, here }: Pick<PolicyLists, 'checkout' | 'here'>): Check[] {
  const files = [
    { grants: checkout, file: 'proxy/grants.list' },
    { grants: here, file: "this folder's list" },
  ]
  const defects = files.flatMap(({ grants, file }) =>
    grantFindings(grants).map(({ line, message, advice }) =>
      warning('grants', `${file}:${line}: ${message}`, advice),
    ),
  )
  const special = (grants: PolicyLists['here'], deny: string) =>
    grants
      .filter(grant => !isPlain(grant))
      .map(grant => {
        const { target, terms } = describeGrant(grant)
        return note(
          'grants',
          `granted: ${[target, ...terms].join(', ')}`,
          `run ${command(`${deny} ${grant.name}`)} to end it`,
        )
      })
  return [...defects, ...special(checkout, 'deny'), ...special(here, 'deny --here')]
}
