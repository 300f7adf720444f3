import type { Account } from '../../config/account.ts'
import { askedOfHost } from '../../credentials/asked.ts'
import { tokenFor } from '../../credentials/token-for.ts'
import { type Forge, findForge } from '../../git/forge/find-forge.ts'
import { createForgeRepository, type ForgeRepository } from '../../git/forge/forge-repository.ts'
import type { FindLogin } from '../../git/login.ts'
import { resolveRemote } from '../../git/resolve-remote.ts'

/** As whom a forge is asked: the owner of the repository, if we are root; null for ourselves. */
export type Asking = { account: Account | null; signal?: AbortSignal | undefined }

/** Returns the forge of a remote's URL; null for a host without pull requests. */
export async function forgeOf(url: string, { account, signal }: Asking): Promise<Forge | null> {
  return findForge(await resolveRemote(url, { account }), signal ? { signal } : {})
}

/** Opens a repository of a forge with the user's login. */
export function openForge(forge: Forge, { account, signal }: Asking): ForgeRepository {
  return createForgeRepository(forge, { login: loginOf(account), ...(signal && { signal }) })
}

/** Finds the logins of the owner of a repository. */
export function loginOf(account: Account | null): FindLogin {
  return host => tokenFor(host, askedOfHost(undefined, account))
}
