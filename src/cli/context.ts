import { clientEnvironment } from '../config/client-environment.ts'
import { loadSettings } from '../config/load-settings.ts'
import { checkoutRoot } from '../config/paths.ts'
import type { Settings } from '../config/settings.ts'
import type { DockerClient } from '../docker/client.ts'
import { createEngine, type Engine } from '../docker/engine.ts'
import type { ImageSet } from '../docker/image-tags.ts'
import { buildImages } from '../docker/images.ts'
import { readPins } from '../docker/pins.ts'
import type { Log } from '../log.ts'
import type { Invocation } from './program.ts'
import { createReport } from './report.ts'

/** What every command that speaks to the engine works with. */
export type Context = {
  root: string
  settings: Settings
  engine: Engine
  docker: DockerClient
  engineMajor: number
  log: Log
  signal: AbortSignal
}

export async function openContext(invocation: Invocation): Promise<Context> {
  const root = checkoutRoot()
  const settings = await loadSettings(root)
  const socketPath = '/var/run/docker.sock'
  const engine = createEngine({ socketPath })
  const version = await engine.version()
  return {
    root,
    settings,
    engine,
    docker: {
      kind: 'docker',
      file: '/usr/bin/docker',
      env: clientEnvironment(`unix://${socketPath}`),
    },
    engineMajor: Number.parseInt(version.Version, 10),
    log: createReport({ verbose: invocation.verbose }),
    signal: invocation.signal,
  }
}

/** Tags of the images this checkout stands for; builds those that are missing. */
export async function currentImages(context: Context): Promise<ImageSet> {
  const { log, settings, docker, root, signal } = context
  const pins = await readPins(root)
  return buildImages({ log, settings, pins, target: 'minimal', client: docker, root, signal })
}
