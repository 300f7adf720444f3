import { type ComposeProject, compose } from '../../engine/compose.ts'
import type { Engine } from '../../engine/engine.ts'
import type { DockerClient } from '../../engine/find-client.ts'
import { composeLabels, labels } from '../../stack/labels.ts'

/** The label by which Compose decides whether a container is up to date. */
const configHash = 'com.docker.compose.config-hash'

/** Parses lines of a service and its hash. */
export function parseHashes(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/^(\S+) ([0-9a-f]{64})$/gm)].map(([, name = '', hash = '']) => [name, hash]),
  )
}

/**
 * Returns the services of `wanted` whose containers `up` would make or make again, and the services that it would
 * remove: by Compose's own hashes, so that both agree.
 */
export async function changedServices(
  {
    engine,
    docker,
    signal,
  }: { engine: Pick<Engine, 'containers'>; docker: DockerClient; signal?: AbortSignal },
  project: ComposeProject,
  wanted: readonly string[],
): Promise<string[]> {
  const hashes = parseHashes(await compose(docker, project, ['config', '--hash', '*'], { signal }))
  const containers = await engine.containers([`${labels.stack}=${project.name}`])
  const present = new Map(
    containers.map(({ Labels }) => [Labels[composeLabels.service] ?? '', Labels[configHash] ?? '']),
  )
  const changed = wanted.filter(name => present.get(name) !== hashes.get(name))
  const removed = [...present.keys()].filter(name => !wanted.includes(name))
  return [...changed, ...removed].sort()
}
