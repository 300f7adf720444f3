import { stat } from 'node:fs/promises'
import { messageOf, UserError } from '../base/errors.ts'
import { createEngine, type Engine, type EngineVersion } from './engine.ts'
import type { EngineAddress } from './engine-request.ts'

export type FoundEngine = {
  kind: 'docker' | 'podman'
  address: EngineAddress
  /** The address in the form of DOCKER_HOST. */
  dockerHost: string
  version: string
}

export type EngineSearch = { found: FoundEngine | null; tried: { where: string; reason: string }[] }

/** Returns the sockets in order of preference; only DOCKER_HOST when it is set. */
export function engineCandidates(env: NodeJS.ProcessEnv, uid: number): string[] {
  if (env.DOCKER_HOST) return [env.DOCKER_HOST]
  const runtime = env.XDG_RUNTIME_DIR || `/run/user/${uid}`
  return [
    '/var/run/docker.sock',
    `${runtime}/docker.sock`,
    ...(env.HOME ? [`${env.HOME}/.docker/run/docker.sock`] : []),
    '/run/podman/podman.sock',
    `${runtime}/podman/podman.sock`,
  ].map(path => `unix://${path}`)
}

export function parseDockerHost(text: string): EngineAddress {
  const socketPath = /^unix:\/\/(\/.+)$/.exec(text)?.[1]
  if (socketPath) return { socketPath }
  const url = URL.canParse(text) ? new URL(text) : null
  // The stack mounts folders of this machine; an engine elsewhere would mount its own.
  const local = url && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
  if (url?.protocol === 'tcp:' && local) {
    return { host: url.hostname.replace(/[[\]]/g, ''), port: Number(url.port || 2375) }
  }
  throw new UserError(`DOCKER_HOST=${text} is not an engine of this machine`, {
    hint: 'set it to unix:///path/of/the/socket, or unset it',
  })
}

/**
 * Finds the first engine that answers, and why the others did not.
 *
 * @param meet called with each engine before it answers; the last one is the one that did
 */
export async function findEngine(
  env: NodeJS.ProcessEnv,
  uid: number = process.getuid?.() ?? 0,
  meet: (engine: Engine) => void = () => {},
): Promise<EngineSearch> {
  const tried: EngineSearch['tried'] = []
  for (const dockerHost of engineCandidates(env, uid)) {
    const address = parseDockerHost(dockerHost)
    try {
      // Checked before connecting: most candidates do not exist.
      if ('socketPath' in address) await stat(address.socketPath)
      const engine = createEngine(address)
      meet(engine)
      const { kind, version } = await engine.ping()
      return { found: { kind, address, dockerHost, version }, tried }
    } catch (error) {
      tried.push({ where: dockerHost, reason: messageOf(error) })
    }
  }
  return { found: null, tried }
}

/** Returns the engine's version with those of its parts, such as runc. */
export function engineParts(found: FoundEngine | null): Promise<EngineVersion | null> {
  return found ? createEngine(found.address).version() : Promise.resolve(null)
}

/** The numbers at the start of a version. A distribution's suffix does not change the order. */
export type Version = readonly [major: number, minor: number, patch: number]

/** Parses `26.1.5+dfsg1`, `v2.24.0-desktop.1`, `1.1.5+ds1` or `2.26`; null for anything else. */
export function parseVersion(text: string): Version | null {
  const found = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text.trim())
  if (!found) return null
  return [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)]
}

/** Returns whether `version` is `floor` or newer. */
export function isAtLeast(version: Version, floor: Version): boolean {
  for (const index of [0, 1, 2] as const) {
    if (version[index] !== floor[index]) return version[index] > floor[index]
  }
  return true
}

/** The versions that a machine has; null for a missing part. */
export type MachineVersions = {
  engine: { kind: 'docker' | 'podman'; version: string } | null
  compose: string | null
  buildx: string | null
  runc: Part | null
  containerd: Part | null
  /** Version of Docker Desktop, when the engine is part of it. */
  desktop: string | null
  /** firewalld runs on this host. */
  firewalld?: boolean
}

/** `revision` is the distribution's own version, when the engine reports one. */
export type Part = { version: string; revision: string }
