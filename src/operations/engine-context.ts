import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { userEnvironment } from '../config/environment.ts'
import { checkoutRoot } from '../config/paths.ts'
import { createEngine, type Engine } from '../engine/engine.ts'
import { type FoundEngine, findEngine } from '../engine/engine-find.ts'

/** Asks a person to confirm; `option` is the flag that confirms without a terminal. False when declined. */
export type Confirm = (question: string, option?: string) => Promise<boolean>

/** The caller of an operation: receives its progress, and can abort it. */
export type Caller = {
  log: Log
  signal: AbortSignal
  confirm: Confirm
  /** Whether a person can answer; `confirm` throws otherwise. */
  canAsk: boolean
}

/** The context of read-only commands. */
export type EngineContext = Caller & {
  root: string
  engine: Engine
  found: FoundEngine
}

export async function openEngine(caller: Caller): Promise<EngineContext> {
  const root = checkoutRoot()
  const search = await findEngine(userEnvironment())
  if (!search.found) throw noEngine(search.tried)
  const { found } = search
  return {
    root,
    engine: createEngine(found.address),
    found,
    log: caller.log,
    signal: caller.signal,
    confirm: caller.confirm,
    canAsk: caller.canAsk,
  }
}

/** Returns the error for an engine that denies access, or for no engine: two different problems. */
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
        ? `fix or unset DOCKER_HOST, or run ${command('setup')} to install or start an engine`
        : `run ${command('setup')} to install or start one`,
      cause: new Error(tried.map(({ where, reason }) => `${where}: ${reason}`).join('\n')),
    },
  )
}

function userName() {
  return `this user (uid ${process.getuid?.() ?? '?'})`
}
