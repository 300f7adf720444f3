import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import {
  activeGrants,
  changeAll,
  grantEnd,
  longestServerGrant,
  type ServerGrant,
  type ServerGrantChange,
  serverGrantLimit,
  withGrant,
  withoutGrant,
} from '../egress/server-grants.ts'
import { editServerGrants, readServerGrants } from '../egress/server-grants-file.ts'
import { parseSiteName } from '../egress/site-name.ts'
import type { ServerLog } from './server-log.ts'

/** Who grants or ends a grant, as the log and the proxy's log name it: `telegram:123`. */
const actor = /^[a-z]{1,16}:[A-Za-z0-9._@+-]{1,60}$/

/** The names that the server opens to its tenants for a time. */
export type Grants = {
  /** Returns the grants that have not expired, of one tenant or of all. */
  list: (tenant?: string) => Promise<ServerGrant[]>
  /**
   * Grants names to a tenant. The proxy opens those below the ceiling `grantable_sites` alone, which the server does
   * not know: a name above it stays closed.
   */
  grant: (options: {
    names: readonly string[]
    tenant: string
    seconds: number
    by: string
  }) => Promise<ServerGrantChange[]>
  /** Ends the grants of names to a tenant. */
  deny: (options: {
    names: readonly string[]
    tenant: string
    by: string
  }) => Promise<ServerGrantChange[]>
}

/** Makes the grants of a server, in the folder that it shares with its proxy and with the host. */
export function createGrants(options: {
  folder: string
  /** Returns the names of the tenants. */
  tenants: () => readonly string[]
  log: ServerLog
  now?: () => Date
}): Grants {
  const { folder, tenants, log, now = () => new Date() } = options
  // One edit at a time: those of one process would wait for each other's lock.
  let last: Promise<unknown> = Promise.resolve()

  function edit(
    { names, tenant, by }: { names: readonly string[]; tenant: string; by: string },
    change: (
      grants: readonly ServerGrant[],
      name: string,
    ) => { grants: ServerGrant[]; changes: ServerGrantChange[] },
  ): Promise<ServerGrantChange[]> {
    const run = async () => {
      if (!actor.test(by)) throw new Error(`not the name of an actor: ${terminalLine(by, 80)}`)
      if (!tenants().includes(tenant)) throw unknownTenant(tenant)
      const hosts = names.map(hostName)
      let changes: ServerGrantChange[] = []
      await editServerGrants(folder, before => {
        const edited = changeAll(before, hosts, change)
        if (edited.grants.length > serverGrantLimit) throw tooMany()
        changes = edited.changes
        return edited.grants
      })
      for (const { kind, name, until } of changes) {
        log({ kind: 'grant', change: kind, name, tenant, ...(until && { until }), by })
      }
      return changes
    }
    const next = last.then(run, run)
    last = next.catch(() => {})
    return next
  }

  return {
    async list(tenant) {
      const grants = activeGrants(await readServerGrants(folder), now())
      return tenant === undefined ? grants : grants.filter(grant => grant.tenant === tenant)
    },
    async grant({ seconds, ...given }) {
      if (!(seconds >= 1 && seconds <= longestServerGrant)) {
        throw new UserError(`a grant of ${seconds} s is not between 1 s and 7 days`, {
          hint: 'choose a time such as 2h',
        })
      }
      const until = grantEnd(seconds, now())
      return edit(given, (grants, name) =>
        withGrant(grants, { name, until, by: given.by }, [given.tenant], now()),
      )
    },
    deny: async given =>
      edit(given, (grants, name) => withoutGrant(grants, name, [given.tenant], now())),
  }
}

function hostName(typed: string): string {
  const { name } = parseSiteName(typed)
  if (!name.startsWith('.')) return name
  throw new UserError(`a grant opens one name, not all below ${terminalLine(name, 100)}`, {
    hint: 'name one host, such as registry.example.com',
  })
}

function unknownTenant(tenant: string) {
  return new UserError(`the server has no tenant ${terminalLine(tenant, 60)}`, {
    hint: 'name a tenant of tenants.yaml',
  })
}

function tooMany() {
  return new UserError(`a server has at most ${serverGrantLimit} grants at once`, {
    hint: 'end some first',
  })
}
