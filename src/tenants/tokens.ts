import { hash, timingSafeEqual } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type * as z from 'zod'
import { messageOf, UserError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import {
  defaultTenant,
  StoredToken,
  StoredTokens,
  type Tenant,
  Tenants,
} from '../config/tenants.ts'
import { readRegularFileSync } from '../files/regular-file.ts'
import type { ServerLog } from './server-log.ts'

/** Who sends a request: a token, and the tenant that it belongs to. */
export type Caller = { token: StoredToken; tenant: Tenant }

/** The tokens and tenants in force. */
export type Access = {
  /** Returns the caller of a presented token; null for an unknown one. */
  find: (presented: string) => Caller | null
  /** Returns the caller of a token in force, by its name; for runs that the server starts by itself. */
  named: (name: string) => Caller | null
  /** Returns the caller of requests without a token, if they are allowed. */
  anyone: () => Caller | null
  /** Returns whether the token of a caller has not been revoked, nor its tenant removed. */
  isInForce: (caller: Caller) => boolean
  tenants: () => readonly Tenant[]
  /** Number of tokens in force. */
  count: () => number
}

type Loaded = { tenants: Map<string, Tenant>; tokens: { hash: Buffer; token: StoredToken }[] }

const fileBytes = 4 * 1024 * 1024
/** Two looks at the files are at least this far apart. */
const lookMilliseconds = 100

/**
 * Reads `tenants.json` and `tokens.json`, and reads them again when they change, so that a token works or
 * is revoked without a restart. A broken file keeps what was in force before. Throws at the first reading
 * if a file is missing or broken, or if no token exists: a server without a token would serve anyone.
 */
export function openAccess(options: {
  folder: string
  /** Serves requests without a token, as tenant `main`. */
  withoutToken: boolean
  log: ServerLog
  now?: () => number
}): Access {
  const { folder, withoutToken, log, now = () => performance.now() } = options
  const files = [join(folder, 'tenants.json'), join(folder, 'tokens.json')]
  let seen = files.map(stampOf).join()
  let looked = now()
  let current = load(folder)
  const open = withoutToken ? anyoneOf(current) : null
  if (!open && current.tokens.length === 0) {
    throw new UserError(`${folder}/tokens.json has no token`, {
      hint: 'add one with serve token add NAME, or set API_TOKEN',
    })
  }

  function look() {
    if (now() - looked < lookMilliseconds) return
    looked = now()
    const stamp = files.map(stampOf).join()
    if (stamp === seen) return
    seen = stamp
    try {
      current = load(folder)
      log({ kind: 'reloaded', tenants: current.tenants.size, tokens: current.tokens.length })
    } catch (error) {
      const hint = error instanceof UserError ? error.hint : undefined
      log({ kind: 'error', message: `kept the earlier tokens: ${messageOf(error)}`, hint })
    }
  }

  return {
    find(presented) {
      look()
      const hash = sha256(presented)
      let found: StoredToken | null = null
      // Compares with every hash, so that the time does not tell which one is close (threat M1).
      for (const entry of current.tokens) if (timingSafeEqual(entry.hash, hash)) found = entry.token
      const tenant = found && current.tenants.get(found.tenant)
      return found && tenant ? { token: found, tenant } : null
    },
    named(name) {
      look()
      const found = current.tokens.find(({ token }) => token.name === name)?.token
      const tenant = found && current.tenants.get(found.tenant)
      return found && tenant ? { token: found, tenant } : null
    },
    anyone: () => open,
    isInForce(caller) {
      if (caller === open) return true
      look()
      const { name, sha256, tenant } = caller.token
      // A token that was added again under its name is another one.
      return (
        current.tenants.has(tenant) &&
        current.tokens.some(({ token }) => token.name === name && token.sha256 === sha256)
      )
    },
    tenants() {
      look()
      return [...current.tenants.values()]
    },
    count: () => current.tokens.length,
  }
}

function load(folder: string): Loaded {
  const { tenants } = read(join(folder, 'tenants.json'), Tenants)
  const { tokens } = read(join(folder, 'tokens.json'), StoredTokens)
  const byName = new Map(tenants.map(tenant => [tenant.name, tenant]))
  return {
    tenants: byName,
    // A token of a removed tenant opens nothing.
    tokens: tokens
      .filter(({ tenant }) => byName.has(tenant))
      .map(token => ({ token, hash: Buffer.from(token.sha256, 'hex') })),
  }
}

function read<T>(path: string, schema: z.ZodType<T>): T {
  const hint = 'run serve up on the host, which writes this file'
  const file = readRegularFileSync(path, { limit: fileBytes })
  if (file.kind !== 'bytes')
    throw new UserError(`${path} is missing or not a regular file`, { hint })
  const parsed = schema.safeParse(parseJson(file.bytes.toString()))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  // Without the value: it may be a token that was written in the place of its hash.
  throw new UserError(`${path} is not valid: ${issue?.path.join('.') || 'it'} ${issue?.message}`, {
    hint,
  })
}

function anyoneOf({ tenants }: Loaded): Caller {
  const tenant = tenants.get(defaultTenant) ?? [...tenants.values()][0]
  if (!tenant)
    throw new UserError('tenants.json has no tenant', { hint: 'run serve up on the host' })
  return callerWithoutToken('anyone', tenant, ['api', 'files', 'openai', 'mcp', 'metrics'])
}

/** Returns a caller that no token opens: its name is in records and logs, and its tenant's budget bounds it. */
export function callerWithoutToken(
  name: string,
  tenant: Tenant,
  modes: StoredToken['modes'] = ['api'],
): Caller {
  const [sha256, createdAt] = ['0'.repeat(64), '1970-01-01T00:00:00Z']
  return {
    token: StoredToken.parse({ name, tenant: tenant.name, sha256, createdAt, modes }),
    tenant,
  }
}

function stampOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats ? `${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}` : 'missing'
}

function sha256(text: string) {
  return hash('sha256', text, 'buffer')
}
