import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { exec } from '../process/exec.ts'

/**
 * The source of Debian's packages. `default` leaves the choice to mmdebstrap: the machine does not
 * run Debian, so its mirrors have other packages.
 */
export type DebianMirror =
  | { kind: 'configured'; packages: string; security: string | null }
  | { kind: 'default' }

export type IndexTarget = { uri: string; release: string; component: string; origin: string }

const targetFormat = '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)'

/** Returns the mirror of `DEBIAN_MIRROR`, otherwise the one in apt's configuration. */
export async function findDebianMirror(options: {
  suite: string
  mirror: string | undefined
  signal?: AbortSignal
}): Promise<DebianMirror> {
  const { suite, mirror, signal } = options
  if (mirror) return { kind: 'configured', ...mirrorFromSetting(mirror) }
  const known = mirrorFromTargets(await readTargets([], signal), suite)
  if (known.kind === 'configured') return known
  // Without an earlier apt-get update, apt lists no targets. Updates into a folder of its own.
  const folder = await mkdtemp(join(tmpdir(), 'claude-secure-apt-'))
  try {
    await chmod(folder, 0o755)
    const own = [
      ['Dir::State::Lists', folder],
      ['Dir::Cache::pkgcache', ''],
      ['Dir::Cache::srcpkgcache', ''],
      ['Debug::NoLocking', '1'],
      ['Acquire::Languages', 'none'],
    ].flatMap(([name, value]) => ['-o', `${name}=${value}`])
    await exec('apt-get', [...own, 'update', '-q'], { signal }).catch(() => {
      signal?.throwIfAborted()
    })
    return mirrorFromTargets(await readTargets(own, signal), suite)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Returns no targets on a system without apt. */
async function readTargets(options: readonly string[], signal: AbortSignal | undefined) {
  const { stdout } = await exec(
    'apt-get',
    [...options, 'indextargets', '--format', targetFormat, 'Created-By: Packages'],
    { signal },
  ).catch(() => {
    signal?.throwIfAborted()
    return { stdout: '' }
  })
  return resolveLists(parseTargets(stdout))
}

export function mirrorFromSetting(mirror: string): { packages: string; security: string } {
  const url = new URL(mirror)
  if (url.username || url.password) {
    // They would end up in the sources of every image.
    throw new UserError('DEBIAN_MIRROR contains a user name or password', {
      hint: 'use a mirror that needs none, or a local proxy (Acquire::http::Proxy of apt)',
    })
  }
  const packages = mirror.replace(/\/+$/, '')
  return { packages, security: `${packages}-security` }
}

export function parseTargets(text: string): IndexTarget[] {
  return text
    .split('\n')
    .map(line => line.split('|'))
    .filter(fields => fields.length === 4)
    .map(([uri = '', release = '', component = '', origin = '']) => ({
      uri: uri.replace(/\/+$/, ''),
      release,
      component,
      origin,
    }))
}

/**
 * Finds Debian's own entries, of any release: a mirror has them all. Other vendors' repositories
 * use release names of Debian too, but not its component and origin.
 */
export function mirrorFromTargets(targets: readonly IndexTarget[], suite: string): DebianMirror {
  const debian = targets.filter(
    ({ uri, component, origin }) =>
      component === 'main' &&
      /^(Debian|\$\(ORIGIN\)|)$/.test(origin) &&
      /^https?:\/\/[^@]+$/.test(uri),
  )
  const releases = new Set([suite, ...debianReleases])
  const packages = debian.find(({ release }) => releases.has(release))
  if (!packages) return { kind: 'default' }
  const security = debian.find(
    ({ release }) =>
      release.endsWith('-security') && releases.has(release.replace('-security', '')),
  )
  return { kind: 'configured', packages: packages.uri, security: security?.uri ?? null }
}

const debianReleases = ['bookworm', 'trixie', 'forky', 'sid', 'stable', 'testing', 'oldstable']

/**
 * Resolves `mirror+file:/etc/apt/mirrors/debian.list`, as on Debian's cloud images, to the first
 * mirror listed.
 */
async function resolveLists(targets: IndexTarget[]) {
  return Promise.all(
    targets.map(async target => {
      const list = /^mirror\+file:(?:\/\/)?(\/.*)$/.exec(target.uri)?.[1]
      if (!list) return target
      const text = await readFile(list, 'utf8').catch(() => '')
      const uri = text.split(/\s+/).find(word => /^https?:\/\//.test(word))
      return { ...target, uri: uri?.replace(/\/+$/, '') ?? target.uri }
    }),
  )
}

/** Renders the mirror as lines of sources.list, one repository per line. */
export function renderSources(mirror: DebianMirror, suite: string): string[] {
  if (mirror.kind === 'default') return []
  const { packages, security } = mirror
  return [
    `deb ${packages} ${suite} main`,
    ...(security ? [`deb ${security} ${suite}-security main`] : []),
  ]
}
