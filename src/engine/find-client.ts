import { access, constants } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import * as z from 'zod'
import { exec } from '../process/exec.ts'
import type { EngineVersion } from './engine.ts'
import type { MachineVersions } from './find-engine.ts'

/** The docker program and its complete environment. */
export type DockerClient = {
  kind: 'docker' | 'podman'
  file: string
  /** The program behind `docker compose`, if it is known. */
  composeFile?: string | undefined
  env: Record<string, string>
}

export type FoundClient = {
  file: string
  compose: string | null
  composeFile?: string | undefined
  buildx: string | null
}

const systemFolders = ['/usr/bin', '/usr/local/bin']

/** Returns the folders in which docker looks for plugins, in its order. */
export function pluginFolders({ DOCKER_CONFIG, HOME }: Record<string, string>): string[] {
  return [
    join(DOCKER_CONFIG ?? join(HOME ?? '/', '.docker'), 'cli-plugins'),
    '/usr/local/lib/docker/cli-plugins',
    '/usr/local/libexec/docker/cli-plugins',
    '/usr/lib/docker/cli-plugins',
    '/usr/libexec/docker/cli-plugins',
  ]
}

/**
 * Finds the first docker program in PATH that has both plugins, or else the first one. An incomplete client
 * in front, such as a bare binary in /usr/local/bin, must not hide the distribution's.
 */
export async function findClient(env: Record<string, string>): Promise<FoundClient | null> {
  const folders = [...(env.PATH ?? '').split(':').filter(isAbsolute), ...systemFolders]
  let best: FoundClient | null = null
  for (const folder of new Set(folders)) {
    const file = join(folder, 'docker')
    if (!(await isExecutable(file))) continue
    const [compose, buildx] = await Promise.all([
      pluginVersion(file, ['compose', 'version', '--short'], env),
      pluginVersion(file, ['buildx', 'version'], env),
    ])
    const composeFile = compose === null ? undefined : await composeProgram(compose, env)
    const client = { file, compose, buildx, ...(composeFile && { composeFile }) }
    if (compose && buildx) return client
    best ??= client
  }
  return best
}

/** Parses `2.26.1-4`, or the second word of `github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3`. */
export function parsePluginVersion(text: string): string | null {
  return /(?:^|\s)v?(\d+\.\d+[^\s]*)/.exec(text)?.[1] ?? null
}

async function pluginVersion(file: string, args: readonly string[], env: Record<string, string>) {
  const result = await exec(file, args, { env, timeout: 60_000 }).catch(() => null)
  return result?.code === 0 ? parsePluginVersion(result.stdout) : null
}

/**
 * Returns the program that docker starts for `docker compose`: called by itself it answers the same, 40 ms sooner.
 * It counts only with the version that docker reports, because docker may be configured to look elsewhere.
 */
async function composeProgram(version: string, env: Record<string, string>) {
  for (const folder of pluginFolders(env)) {
    const file = join(folder, 'docker-compose')
    if (!(await isExecutable(file))) continue
    return (await pluginVersion(file, ['version', '--short'], env)) === version ? file : undefined
  }
  return undefined
}

function isExecutable(file: string) {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}

const Details = z.object({ GitCommit: z.string() })

/** Returns the versions that the requirements apply to. */
export function machineVersions(
  engine: { kind: 'docker' | 'podman'; version: string } | null,
  client: FoundClient | null,
  /** Null when they were not requested. */
  parts: EngineVersion | null = null,
): MachineVersions {
  return {
    engine: engine && { kind: engine.kind, version: engine.version },
    compose: client?.compose ?? null,
    buildx: client?.buildx ?? null,
    runc: partOf(parts, 'runc'),
    containerd: partOf(parts, 'containerd'),
    desktop: /^Docker Desktop v?(\d\S*)/.exec(parts?.Platform?.Name ?? '')?.[1] ?? null,
  }
}

function partOf(parts: EngineVersion | null, name: string) {
  const part = parts?.Components?.find(({ Name }) => Name === name)
  if (!part) return null
  const details = Details.safeParse(part.Details)
  return { version: part.Version, revision: details.success ? details.data.GitCommit : '' }
}
