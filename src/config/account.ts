import { exec } from '../process/exec.ts'
import { userEnvironment } from './environment.ts'

/** Another user of this machine, whose keys, logins and settings count in a repository of theirs. */
export type Account = { uid: number; gid: number; name: string; home: string }

/** Returns the account with this uid; null for ourselves. One without an entry has no home. */
export async function findAccount(user: { uid: number; gid: number } | null) {
  if (user === null) return null
  const { uid, gid } = user
  const found = await exec('getent', ['passwd', String(uid)], { timeout: 10_000 }).catch(() => null)
  const [name, , , , , home] = found?.code === 0 ? found.stdout.trim().split(':') : []
  return { uid, gid, name: name || String(uid), home: home || '/nonexistent' }
}

/** Variables by which programs find a user's files and services. */
const personal = [
  ...['XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME', 'XDG_RUNTIME_DIR'],
  ...['DBUS_SESSION_BUS_ADDRESS', 'GH_CONFIG_DIR', 'GLAB_CONFIG_DIR', 'GNUPGHOME'],
]

/**
 * Returns our environment with the home of an account in place of ours. Tokens, proxies and other variables that were
 * set for one command stay, and an agent of ssh too: it refuses the connection of a user to whom it does not belong.
 */
export function environmentOf(
  account: Account | null,
  env: NodeJS.ProcessEnv = userEnvironment(),
): NodeJS.ProcessEnv {
  if (account === null) return env
  const others = Object.entries(env).filter(([name]) => !personal.includes(name))
  const { home, name } = account
  return { ...Object.fromEntries(others), HOME: home, USER: name, LOGNAME: name }
}
