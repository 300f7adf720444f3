import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type FileHandle, mkdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../../base/command.ts'
import { systemCode, UserError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { userEnvironment } from '../../config/environment.ts'
import { checkoutRoot } from '../../config/paths.ts'
import { parseAllowlist } from '../../egress/allowlist.ts'
import type { SiteName } from '../../egress/site-name.ts'
import { replaceFile } from '../../files/replace-file.ts'
import type { Caller } from '../context.ts'

/** Reads the lists in proxy/squid.conf. Throws when the file cannot be read or parsed. */
export function readAllowlist(root: string) {
  const path = squidConfPath(root)
  return parseAllowlist(readSquidConf(root), path)
}

export function squidConfPath(root: string): string {
  return join(root, 'proxy/squid.conf')
}

export function readSquidConf(root: string): string {
  const path = squidConfPath(root)
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new UserError(`cannot read the allowlist ${path}`, {
      hint: 'run git checkout proxy/squid.conf to restore it',
      cause,
    })
  }
}

/** Returns the digest of a file, as `digest` in proxy/policy.sh computes it. */
export function policyDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * Replaces the file atomically and keeps its owner and, made readable for all users, its mode. The new file is
 * written outside of proxy/, because every file in proxy/ is an input of the image.
 */
export async function replaceSquidConf(root: string, text: string): Promise<void> {
  const path = squidConfPath(root)
  const scratch = join(root, '.build')
  try {
    const place = await realpath(path)
    const { mode, uid, gid } = await stat(place)
    await mkdir(scratch, { recursive: true })
    const write = async (file: FileHandle) => {
      await file.writeFile(text)
      if (process.getuid?.() === 0) await file.chown(uid, gid)
    }
    const temporary = join(scratch, `squid.conf.${randomUUID()}.tmp`)
    // The proxy's user must be able to read it regardless of the umask of the last checkout.
    const readable = (mode & 0o777) | 0o044
    await replaceFile(place, write, { mode: readable, durable: true, temporary })
  } catch (cause) {
    const code = systemCode(cause)
    const isForeign = code === 'EACCES' || code === 'EPERM'
    throw new UserError(`cannot write ${terminalLine(path)}${code ? ` (${code})` : ''}`, {
      hint: isForeign
        ? `ask the owner of that file, or change the list of this folder alone: ${command('allow --here NAME')}`
        : 'check the owner of proxy/squid.conf and its folder, and the free space',
      cause,
    })
  }
}

/** Resolves a typed name, URL, or preset such as `@npm`. */
export async function sitesOf(
  typed: string,
  { subdomains = false }: { subdomains?: boolean },
  { log, signal }: Pick<Caller, 'log' | 'signal'>,
): Promise<SiteName[]> {
  if (typed.startsWith('@')) return presetSites(typed, { log, signal })
  const { parseSiteName } = await import('../../egress/site-name.ts')
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
  const { parseSiteName } = await import('../../egress/site-name.ts')
  const sites = urls.map(url => parseSiteName(url))
  note(log, `${typed} is ${[...new Set(sites.map(({ name }) => name))].join(', ')}`)
  for (const text of notes) note(log, text)
  return sites.map(({ name }) => ({ name }))
}

function note(log: Log, text: string) {
  log({ kind: 'info', text: `note: ${text}` })
}
