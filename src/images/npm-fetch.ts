import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'
import * as z from 'zod'
import { messageOf, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { addressWithLogin, type ParentProxy, withParentProxy } from '../config/parent-proxy.ts'
import { isBelow } from '../files/beneath.ts'
import { diskFull, isDiskFull } from '../files/disk-space.ts'
import { withScratchFolder } from '../files/scratch-folder.ts'
import { exec } from '../process/exec.ts'
import type { PinnedPackage } from './pins.ts'

/** The files of a package to keep: only these, or all except those in these folders. */
export type Selection = { only: readonly string[] } | { without: readonly string[] }

export type FetchOptions = {
  /** Folder of the downloads; nothing else uses it. */
  cache: string
  selection: Selection
  /** The way to the registry, where it differs from the user's own configuration of npm. */
  network?: NpmNetwork
  /** The npm program; tests pass their own. */
  npm?: string
  signal?: AbortSignal
}

/** `npmrc` goes to a file that is removed again: an address of a proxy may hold a password. */
export type NpmNetwork = { env: NodeJS.ProcessEnv; npmrc: string }

/** Returns npm's way out: the parent proxy that a setting names, and EXTRA_CA_CERTS. */
export function npmNetwork(
  env: NodeJS.ProcessEnv,
  parent: ParentProxy | null,
  settings: { PARENT_PROXY?: string | undefined; EXTRA_CA_CERTS?: string | undefined },
): NpmNetwork {
  const { PARENT_PROXY: setting, EXTRA_CA_CERTS: extra } = settings
  const own = setting === undefined ? env : withParentProxy(env, null, settings)
  const url = parent && addressWithLogin(parent)
  return {
    env: { ...(extra && { NODE_EXTRA_CA_CERTS: extra }), ...own },
    npmrc:
      setting === undefined || !parent
        ? ''
        : `proxy=${url}\nhttps-proxy=${url}\nnoproxy=${parent.except.join(',')}\n`,
  }
}

const fetchTimeout = 15 * 60_000

/**
 * Fetches the files of a pinned package and returns their folder. The user's npm downloads them,
 * with its configured mirrors, proxies, certificates and logins; the bytes are verified here,
 * against our pin.
 */
export async function fetchPackage(pin: PinnedPackage, options: FetchOptions): Promise<string> {
  const { cache, selection } = options
  const target = join(cache, packageFolder(pin, selection))
  if (await exists(target)) return target

  try {
    return await withScratchFolder(cache, 'fetch-', async scratch => {
      const tarball = await pack(pin, scratch, options)
      await verify(tarball, pin)
      const unpacked = join(scratch, 'unpacked')
      await mkdir(unpacked)
      await chmod(unpacked, 0o755)
      await unpack(tarball, unpacked, selection, options.signal)
      await publish(unpacked, target)
      return target
    })
  } catch (error) {
    if (isDiskFull(messageOf(error))) {
      throw await diskFull(`cannot store ${pin.name}@${pin.version}`, cache, error)
    }
    throw error
  }
}

/**
 * Returns the folder name of a selection of files; the pin's hash in it makes the folder immutable.
 */
export function packageFolder(pin: PinnedPackage, selection: Selection): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([pin.integrity, selection]))
    .digest('hex')
  return `${pin.name.replace('/', '+')}@${pin.version}-${hash.slice(0, 12)}`
}

/** Removes downloads that no pin names any more. */
export async function prunePackages(cache: string, keep: readonly string[]): Promise<void> {
  for (const name of await readdir(cache).catch(() => [])) {
    if (name.includes('@') && !keep.includes(name)) {
      await rm(join(cache, name), { recursive: true, force: true })
    }
  }
}

async function pack(pin: PinnedPackage, scratch: string, options: FetchOptions) {
  // npm reads the .npmrc of the folder it runs in. This folder is ours; its package.json stops npm
  // from looking for a project in parent folders.
  await writeFile(join(scratch, 'package.json'), '{}')
  const { network } = options
  if (network?.npmrc) await writeFile(join(scratch, '.npmrc'), network.npmrc, { mode: 0o600 })
  const result = await exec(
    options.npm ?? 'npm',
    ['pack', `${pin.name}@${pin.version}`, '--json', '--ignore-scripts', '--loglevel=error'],
    { cwd: scratch, env: network?.env, timeout: fetchTimeout, signal: options.signal },
  )
  if (result.code !== 0) {
    if (isDiskFull(result.stderr)) throw new Error(result.stderr)
    throw notFetched(pin, result.stderr, result.stdout)
  }
  const tarball = (await readdir(scratch)).find(name => name.endsWith('.tgz'))
  if (!tarball) throw notFetched(pin, 'npm pack wrote no file', '')
  return join(scratch, tarball)
}

async function verify(tarball: string, pin: PinnedPackage) {
  const hash = createHash('sha512')
  await pipeline(createReadStream(tarball), hash)
  const integrity = `sha512-${hash.digest('base64')}`
  if (integrity !== pin.integrity) {
    throw new UserError(
      `${pin.name}@${pin.version} does not match its pin: got ${integrity.slice(0, 19)}…, expected ${pin.integrity.slice(0, 19)}…`,
      {
        hint: 'do not use it: the registry or the network changed the package; ask the operator of your npm mirror',
      },
    )
  }
}

async function unpack(
  tarball: string,
  folder: string,
  selection: Selection,
  signal: AbortSignal | undefined,
) {
  const entries = extract()
  const found = new Set<string>()
  const reading = pipeline(createReadStream(tarball), createGunzip(), entries, { signal })
  // Awaited below; this prevents an unhandled rejection on an early failure.
  reading.catch(() => {})
  for await (const entry of entries) {
    const path = normalize(entry.header.name).split('/').slice(1).join('/')
    if (entry.header.type !== 'file' || !isSelected(path, selection)) {
      entry.resume()
      continue
    }
    found.add(path)
    const file = join(folder, path)
    await makeFolders(folder, dirname(path))
    await pipeline(entry, createWriteStream(file, { flush: true }), { signal })
    // The image takes over these modes, so they must not depend on the umask.
    await chmod(file, (entry.header.mode ?? 0) & 0o111 ? 0o755 : 0o644)
  }
  await reading
  if ('only' in selection) {
    const missing = selection.only.filter(path => !found.has(path))
    if (missing.length > 0) throw new Error(`the package has no file ${missing.join(', ')}`)
  }
}

function isSelected(path: string, selection: Selection) {
  if (path === '' || path.startsWith('..')) return false
  return 'only' in selection
    ? selection.only.includes(path)
    : !selection.without.some(folder => isBelow(folder, path))
}

async function makeFolders(root: string, path: string) {
  const first = await mkdir(join(root, path), { recursive: true })
  if (!first) return
  for (let folder = join(root, path); folder.length >= first.length; folder = dirname(folder)) {
    await chmod(folder, 0o755)
  }
}

async function publish(from: string, to: string) {
  try {
    await rename(from, to)
  } catch (error) {
    // Another process was first, with the same bytes.
    if (!(await exists(to))) throw error
  }
}

function exists(path: string) {
  return stat(path).then(
    () => true,
    () => false,
  )
}

const NpmError = z.object({ error: z.object({ code: z.string().optional(), summary: z.string() }) })

/** Returns npm's reason: from its JSON on stdout, otherwise the first line of stderr. */
function npmReason(stderr: string, stdout: string) {
  const text = stdout.slice(Math.max(0, stdout.indexOf('{')))
  try {
    const { error } = NpmError.parse(JSON.parse(text))
    return [error.code, error.summary].filter(Boolean).join(': ')
  } catch {
    return stderr.replaceAll('npm error ', '').trim().split('\n')[0] ?? ''
  }
}

function notFetched(pin: PinnedPackage, stderr: string, stdout: string) {
  const reason = terminalLine(npmReason(stderr, stdout)) || 'npm gave no reason'
  return new UserError(`cannot fetch ${pin.name}@${pin.version} with npm: ${reason}`, {
    hint: 'run npm ping, check registry, proxy and cafile in your npm configuration, then try again',
    cause: new Error(stderr),
  })
}
