import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { type Log, step } from '../base/log.ts'
import { lastLine, terminalLine } from '../base/terminal-text.ts'
import { engineFailed } from '../engine/engine-failure.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { confined } from '../engine/throwaway-container.ts'
import { diskFull, isDiskFull } from '../files/disk-space.ts'
import { withScratchFolder } from '../files/scratch-folder.ts'
import { type DebianMirror, findDebianMirror, renderSources } from '../machine/debian-mirror.ts'
import { exec } from '../process/exec.ts'
import type { ImageBuild } from './build-image.ts'
import { readTransferConfiguration } from './build-network.ts'
import type { Pins } from './pins.ts'

/**
 * Adds one binary to Debian. A separate stage strips its symbol table, 18 MB that nothing here
 * reads, so that the image does not contain binutils.
 */
export const nodeDockerfile = `ARG BASE
FROM \${BASE} AS strip
RUN --mount=type=secret,id=apt-conf,target=/etc/apt/apt.conf.d/99build,mode=0444 \\
    --mount=type=secret,id=ca-certificates,mode=0444 \\
    apt-get update -q && apt-get install -qy --no-install-recommends binutils
COPY --from=node bin/node /node
RUN strip /node && chmod 0755 /node

FROM \${BASE}
COPY --from=strip /node /usr/local/bin/node
RUN node --version
`

export type BaseImageOptions = {
  tag: string
  pins: Pins
  baseImage: string | undefined
  mirror: string | undefined
  client: DockerClient
  network: NodeJS.ProcessEnv
  /** Temporary folder for the root filesystem. */
  scratch: string
  /** `key=value`, for the bootstrapped image, which has no Dockerfile. */
  label: string
  build: (image: Omit<ImageBuild, 'label'>, progress: (text: string) => void) => Promise<void>
  log: Log
  signal?: AbortSignal
}

const registryTimeout = 8_000
const pullTimeout = 10 * 60_000
const bootstrapTimeout = 15 * 60_000

/** Part of the tag: a change of the recipe makes a new base. */
export const baseRecipe = [
  '--variant=minbase',
  '--components=main',
  '--aptopt=Acquire::Languages "none"',
  // Unused in a container; dpkg excludes them from every later layer too.
  '--dpkgopt=path-exclude=/usr/share/doc/*',
  '--dpkgopt=path-include=/usr/share/doc/*/copyright',
  '--dpkgopt=path-exclude=/usr/share/man/*',
  '--dpkgopt=path-exclude=/usr/share/info/*',
  '--dpkgopt=path-exclude=/usr/share/locale/*',
  '--dpkgopt=path-exclude=/usr/share/lintian/*',
  // Every service runs without root and has a tmpfs here; runc before 1.2 gives a tmpfs the mode of
  // the folder below it, regardless of `mode=`.
  '--customize-hook=chmod 1777 "$1/run"',
  // In the layer that adds the files: a chmod in a later layer would leave them below it.
  '--customize-hook=find "$1" -xdev -type f -perm /6000 -exec chmod ug-s {} +',
] as const

/** Does the same to an image from elsewhere. */
const adoptDockerfile =
  'ARG IMAGE\nFROM $IMAGE\nUSER root\nRUN chmod 1777 /run && find / -xdev -type f -perm /6000 -exec chmod ug-s {} +\n'

/**
 * Makes the base of all images: the image that BASE_IMAGE names, the official image by digest if a
 * registry answers, otherwise one bootstrapped from the Debian mirror.
 */
export async function makeBaseImage(options: BaseImageOptions): Promise<void> {
  const { log, baseImage, pins } = options
  await step(log, 'image base', async progress => {
    if (baseImage) return useImage(baseImage, options, progress)
    const official = pins.debian.digest && `${pins.debian.image}@${pins.debian.digest}`
    if (official && (await registryHas(official, options))) {
      return useImage(official, options, progress)
    }
    return bootstrap(options, progress)
  })
}

async function useImage(
  reference: string,
  { client, tag, scratch, build, signal }: BaseImageOptions,
  progress: (text: string) => void,
) {
  const local = await exec(client.file, ['image', 'inspect', reference], {
    env: client.env,
    signal,
  })
  if (local.code !== 0) {
    progress(`pulling ${reference}`)
    const pulled = await exec(client.file, ['pull', reference], {
      env: client.env,
      timeout: pullTimeout,
      signal,
    })
    if (pulled.code !== 0) {
      throw new UserError(`cannot pull ${reference}: ${lastLine(pulled.stderr)}`, {
        hint: 'correct BASE_IMAGE in .env, or remove it to bootstrap from the Debian mirror',
        cause: new Error(pulled.stderr),
      })
    }
  }
  const probe = await exec(
    client.file,
    ['run', ...confined, '--user', '65534:65534', '--entrypoint', '/usr/bin/dpkg'].concat([
      ...[reference, '--version'],
    ]),
    { env: client.env, timeout: 60_000, limit: 64 * 1024, signal },
  )
  if (probe.code !== 0) {
    throw new UserError(`${reference} is not a Debian image: it has no dpkg`, {
      hint: 'name a Debian 13 image in BASE_IMAGE, or remove that setting',
      cause: new Error(probe.stderr),
    })
  }
  const context = await mkdtemp(join(scratch, 'base-'))
  await writeFile(join(context, 'Dockerfile'), adoptDockerfile)
  await build({ tag, context, args: { IMAGE: reference }, secrets: {} }, progress)
}

async function registryHas(reference: string, { client, signal }: BaseImageOptions) {
  const answer = await exec(client.file, ['manifest', 'inspect', reference], {
    env: client.env,
    timeout: registryTimeout,
    signal,
  }).catch(error => {
    signal?.throwIfAborted()
    return { code: 1, error }
  })
  return answer.code === 0
}

async function bootstrap(options: BaseImageOptions, progress: (text: string) => void) {
  const { pins, client, tag, signal } = options
  const { suite } = pins.debian
  const mirror = await findDebianMirror({ suite, mirror: options.mirror, signal })
  await withScratchFolder(options.scratch, 'base-', async folder => {
    const configuration = join(folder, 'apt.conf')
    const hostCa = '/etc/ssl/certs/ca-certificates.crt'
    await writeFile(configuration, await readTransferConfiguration(options.network, hostCa, signal))
    const archive = join(folder, 'base.tar')
    const run = (from: DebianMirror) => {
      progress(`Debian ${suite} from the ${from.kind} mirror`)
      const sources = renderSources(from, suite)
      const { file, args } = bootstrapCommand({ suite, archive, sources, configuration })
      return exec(file, args, {
        cwd: folder,
        timeout: bootstrapTimeout,
        signal,
        onLine: line => progress(terminalLine(line.replace(/^[IW]: /, ''), 80)),
      })
    }
    let result = await run(mirror)
    const lacksSecurity = `${suite}-security Release' does not have a Release file`
    if (result.code !== 0 && options.mirror && result.stderr.includes(lacksSecurity)) {
      options.log({
        kind: 'warn',
        text: `${options.mirror} has no ${suite}-security: images lack the latest security updates`,
      })
      result = await run({ kind: 'configured', packages: options.mirror, security: null })
    }
    if (result.code !== 0) throw await bootstrapFailed(result.stderr, mirror, folder)
    progress('importing it into the engine')
    const call = { env: client.env, timeout: bootstrapTimeout, signal }
    const imported = await exec(client.file, importArguments(archive, tag, options.label), call)
    if (imported.code !== 0) {
      throw await engineFailed('cannot import the base image', imported.stderr, client)
    }
  })
}

/**
 * Returns the mmdebstrap command: as root directly, as another user in a user namespace, with the
 * same result.
 */
export function bootstrapCommand(options: {
  suite: string
  archive: string
  sources: readonly string[]
  configuration: string
  uid?: number
}): { file: string; args: string[] } {
  const { suite, archive, sources, configuration, uid = process.getuid?.() } = options
  return {
    file: 'mmdebstrap',
    args: [
      `--mode=${uid === 0 ? 'root' : 'unshare'}`,
      ...baseRecipe,
      `--aptopt=${configuration}`,
      // mmdebstrap writes its options into the image; the host's proxies must not stay there.
      '--customize-hook=rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap"',
      `--customize-hook=printf 'Acquire::Languages "none";\\n' > "$1/etc/apt/apt.conf.d/90languages"`,
      '--customize-hook=rm -f "$1/etc/hostname" "$1/etc/resolv.conf"',
      suite,
      archive,
      ...sources,
    ],
  }
}

function importArguments(archive: string, tag: string, label: string) {
  return [
    'import',
    '--change',
    `LABEL ${label}`,
    '--change',
    'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    '--change',
    'CMD ["bash"]',
    archive,
    tag,
  ]
}

async function bootstrapFailed(stderr: string, mirror: DebianMirror, folder: string) {
  if (isDiskFull(stderr)) return diskFull('cannot make the base image', folder, new Error(stderr))
  const lines = stderr.trim().split('\n')
  const line = lines.find(text => /^E: /.test(text)) ?? lines.at(-1) ?? ''
  const where = mirror.kind === 'configured' ? mirror.packages : "mmdebstrap's default mirror"
  return new UserError(`cannot bootstrap Debian from ${where}: ${terminalLine(line)}`, {
    hint: 'run apt-get update to check the mirror, or set DEBIAN_MIRROR or BASE_IMAGE in .env',
    cause: new Error(stderr),
  })
}
