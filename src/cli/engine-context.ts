import { userEnvironment } from '../config/environment.ts'
import { checkoutRoot } from '../config/paths.ts'
import { createEngine, type Engine } from '../docker/engine.ts'
import { type FoundEngine, findEngine } from '../docker/engine-find.ts'
import { UserError } from '../errors.ts'
import type { Log } from '../log.ts'
import { terminalLine } from '../terminal-text.ts'
import type { Invocation } from './program.ts'
import { createReport } from './report.ts'

/** What commands that only look work with. */
export type EngineContext = {
  root: string
  engine: Engine
  found: FoundEngine
  log: Log
  signal: AbortSignal
}

export async function openEngine(invocation: Invocation): Promise<EngineContext> {
  const root = checkoutRoot()
  const log = createReport(invocation)
  const search = await findEngine(userEnvironment())
  if (!search.found) throw noEngine(search.tried)
  const { found } = search
  return {
    root,
    engine: createEngine(found.address),
    found,
    log,
    signal: invocation.signal,
  }
}

/** An engine that is there and refuses us is another problem than none. */
function noEngine(tried: readonly { where: string; reason: string }[]) {
  const denied = tried.find(({ reason }) => reason.includes('EACCES'))
  if (denied) {
    return new UserError(
      `the container engine at ${terminalLine(denied.where)} refuses ${userName()}`,
      {
        hint: 'add yourself to the docker group and log in again, or run with sudo',
      },
    )
  }
  const first = tried.find(({ reason }) => !reason.includes('ENOENT')) ?? tried[0]
  return new UserError(
    `no container engine answers${first ? ` at ${terminalLine(first.where)}` : ''}`,
    {
      hint: userEnvironment().DOCKER_HOST
        ? 'mend or unset DOCKER_HOST, or run ./claude.ts setup, which installs or starts it'
        : 'run ./claude.ts setup, which installs or starts it',
      cause: new Error(tried.map(({ where, reason }) => `${where}: ${reason}`).join('\n')),
    },
  )
}

function userName() {
  return `this user (uid ${process.getuid?.() ?? '?'})`
}
