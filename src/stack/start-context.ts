import type { Log } from '../base/log.ts'
import type { Engine } from '../engine/engine.ts'
import type { DockerClient } from '../engine/find-client.ts'

/** What bringing a stack up works with. */
export type StartContext = {
  engine: Engine
  docker: DockerClient
  log: Log
  signal?: AbortSignal
}
