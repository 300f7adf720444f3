import { readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { parseJson, parseJsonLine } from '../../base/json.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { findDebianMirror } from '../../machine/debian-mirror.ts'
import { exec } from '../../process/exec.ts'

/** The URLs that a preset allows on this machine, and notes for the user. */
export type PresetSites = { urls: string[]; notes: string[] }

export type PresetOptions = {
  /** The user's environment, which leads to the clients and their configuration. */
  env: NodeJS.ProcessEnv
  /** `DEBIAN_MIRROR` of the settings. */
  debianMirror?: string | undefined
  signal?: AbortSignal
}
export type Preset = (options: PresetOptions) => Promise<PresetSites>

/** The error for a registry that no client here reports: presets neither hard-code nor guess one. */
export function unknownSource(preset: string, what: string, fix: string, cause?: unknown) {
  return new UserError(`@${preset}: ${terminalLine(what, 200)}`, {
    hint: `${fix}, or name the hosts: ${command('allow NAME…')}`,
    cause,
  })
}

/** Options to run a client in `/`, where no project's configuration applies. */
export function clientOptions({ env, signal }: PresetOptions) {
  return { cwd: '/', env, timeout: 30_000, ...(signal && { signal }) }
}

/** Returns the registry of the user's npm. */
export const npmSites: Preset = async options => {
  const ask = async (env: NodeJS.ProcessEnv, ...args: string[]) => {
    const how = { ...clientOptions(options), env }
    return (await exec('npm', ['config', 'get', 'registry', ...args], how)).stdout.trim()
  }
  const none = '/nonexistent'
  const [registry, builtIn] = await Promise.all([
    ask(options.env).catch(cause => {
      throw unknownSource('npm', 'cannot run npm, so its registry is unknown', 'install npm', cause)
    }),
    // As in the container, where npm is not configured.
    ask(
      { PATH: options.env.PATH },
      `--userconfig=${none}/user`,
      `--globalconfig=${none}/global`,
    ).catch(() => ''),
  ])
  if (!URL.canParse(registry)) {
    throw unknownSource(
      'npm',
      `npm reports "${registry}", which is not a registry`,
      'fix its configuration',
    )
  }
  const notes =
    builtIn === registry
      ? []
      : [`to use it in the container, put this in the project's .npmrc: registry=${registry}`]
  return { urls: [registry], notes }
}

/** Returns the index of the user's pip, and the host that serves its files. */
export const pypiSites: Preset = async options => {
  for (const pip of ['pip3', 'pip']) {
    const index = await indexOf(pip, options)
    if (!index) continue
    const files = await filesHost(pip, options)
    return files
      ? { urls: [index, files], notes: [] }
      : {
          urls: [index],
          notes: [
            `the host that serves the files is unknown: install a package with pip, then run ${command('log --denied')}`,
          ],
        }
  }
  throw unknownSource('pypi', 'pip is not installed, so its index is unknown', 'install pip')
}

async function indexOf(pip: string, options: PresetOptions) {
  const configured = await exec(
    pip,
    ['config', 'get', 'global.index-url'],
    clientOptions(options),
  ).catch(() => null)
  if (!configured) return null
  if (configured.code === 0 && URL.canParse(configured.stdout.trim())) {
    return configured.stdout.trim()
  }
  const help = await exec(pip, ['install', '--help'], clientOptions(options))
  return defaultIndex(help.stdout)
}

/** Parses the default index out of `pip install --help`. */
export function defaultIndex(help: string): string | null {
  const text = help.replace(/\s+/g, ' ')
  return /--index-url <url> [^(]*\(default (https:\/\/[^\s)]+)\)/.exec(text)?.[1] ?? null
}

const Report = z.object({
  install: z.array(z.object({ download_info: z.object({ url: z.string() }) })).min(1),
})

/** Resolves pip itself without installing it: the report names the host of the index's files. */
async function filesHost(pip: string, options: PresetOptions) {
  const quiet = [
    '--quiet',
    '--disable-pip-version-check',
    '--no-deps',
    '--ignore-installed',
    '--retries',
    '0',
  ]
  const result = await exec(
    pip,
    ['install', '--dry-run', '--report', '-', ...quiet, 'pip'],
    clientOptions(options),
  ).catch(() => null)
  const report = Report.safeParse(parseJsonLine(result?.stdout.trim() ?? ''))
  const url = report.data?.install[0]?.download_info.url
  return url?.startsWith('https://') ? url : null
}

const IndexConfiguration = z.object({ dl: z.string(), api: z.string().nullish() })

/**
 * Returns the registries that the user's cargo has used: each folder is named after the index's host
 * and holds the index's configuration, which names the download host.
 */
export const cratesSites: Preset = async ({ env }) => {
  const folder = join(env.CARGO_HOME || join(homedir(), '.cargo'), 'registry/index')
  const names = await readdir(folder).catch(() => [])
  const urls = (
    await Promise.all(
      names.map(async name => {
        const text = await readFile(join(folder, name, 'config.json'), 'utf8').catch(() => '')
        return registryUrls(name, text)
      }),
    )
  ).flat()
  if (urls.length === 0) {
    throw unknownSource(
      'crates',
      'cargo has not used a registry on this machine yet',
      'run cargo fetch once in one of your projects',
    )
  }
  return { urls, notes: [] }
}

/** Returns the URLs from a folder's name, `host-0123456789abcdef`, and the index's config.json. */
export function registryUrls(folder: string, configuration: string): string[] {
  const host = /^(.+)-[0-9a-f]{16}$/.exec(folder)?.[1]
  if (!host?.includes('.')) return []
  const parsed = IndexConfiguration.safeParse(parseJson(configuration))
  const downloads = parsed.data?.dl
  return [`https://${host}`, ...(downloads && URL.canParse(downloads) ? [downloads] : [])]
}

/** Returns the module proxies and the checksum database of the user's go. */
export const goSites: Preset = async options => {
  const env = { ...options.env, GOTOOLCHAIN: 'local' }
  const { code, stdout } = await exec('go', ['env', 'GOPROXY', 'GOSUMDB'], {
    ...clientOptions(options),
    env,
  }).catch(cause => {
    throw unknownSource('go', 'cannot run go, so its proxy is unknown', 'install go', cause)
  })
  const [proxies = '', sums = ''] = stdout.trim().split('\n')
  if (code !== 0) throw unknownSource('go', 'go env failed', 'fix the go installation')
  return parseGoEnvironment(proxies, sums)
}

/** Parses GOPROXY and GOSUMDB: https://go.dev/ref/mod#environment-variables */
export function parseGoEnvironment(proxies: string, sums: string) {
  const words = proxies.split(/[,|]/).map(word => word.trim())
  const urls = words.filter(word => URL.canParse(word))
  if (urls.length === 0) {
    throw unknownSource(
      'go',
      `GOPROXY=${proxies} names no proxy`,
      'set one with go env -w GOPROXY=URL',
    )
  }
  // "name", "name+key" or "name+key url"; "off" disables the check.
  const [database = '', at] = sums.trim().split(/\s+/)
  const name = database.split('+')[0] ?? ''
  const sum = at ?? (name === 'off' || name === '' ? null : `https://${name}`)
  const notes = words.includes('direct')
    ? ['modules that the proxy lacks come from their own host: allow that host by name']
    : []
  return { urls: [...urls, ...(sum ? [sum] : [])], notes }
}

/** Returns the mirror that apt uses on this machine, which the images are built from too. */
export const debianSites: Preset = async ({ debianMirror, signal }) => {
  const mirror = await findDebianMirror({
    suite: 'trixie',
    mirror: debianMirror,
    ...(signal && { signal }),
  })
  if (mirror.kind === 'default') {
    throw unknownSource(
      'debian',
      'apt on this machine has no Debian mirror',
      'set DEBIAN_MIRROR in .env',
    )
  }
  const urls = [mirror.packages, ...(mirror.security ? [mirror.security] : [])]
  const plain = urls.filter(url => url.startsWith('http:'))
  return {
    // The proxy allows HTTPS on port 443 only; most mirrors answer there too.
    urls: urls.map(url => url.replace(/^http:/, 'https:')),
    notes: [
      ...plain.map(url => `${url} stays blocked: use https://, the proxy allows nothing else`),
      'use the mirror for downloads: apt cannot install in the container, which has no root',
    ],
  }
}
