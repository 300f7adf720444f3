import { setTimeout as sleep } from 'node:timers/promises'
import { type UntilOptions, until } from '../base/async.ts'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import type { Engine } from '../engine/engine.ts'
import { inspectStack, type ServiceState, type StackState, serviceOf } from './inspect.ts'
import { labels } from './labels.ts'

/** Milliseconds. */
const patience = 120_000
/** Milliseconds between two looks without an event of the engine. */
const lookEvery = 250
/** Milliseconds between two looks at which a failure counts, as for `docker compose up --wait`. */
const judgedEvery = 500
/**
 * Number of attempts to run that a service may end before it has failed: the first may have begun before its
 * configuration was corrected.
 */
const attempts = 2

/** What is asked of the engine. */
type Health = Pick<Engine, 'containers' | 'watchContainers'>

type Options = Partial<UntilOptions>

/**
 * Waits until the services `wanted` of a stack are healthy, and returns its state. Throws when one of them fails.
 * `docker compose up --wait` does the same, but looks at the earliest half a second after the start.
 */
export async function waitUntilHealthy(
  engine: Health,
  stack: string,
  wanted: readonly string[],
  { signal, ...options }: Options = {},
): Promise<StackState> {
  const watch = new AbortController()
  const bell = createBell()
  // The looks go on without it, as with an engine that has no such events.
  const watching = engine
    .watchContainers(`${labels.stack}=${stack}`, watch.signal, bell.ring)
    .catch(() => {})
  try {
    return await lookUntilHealthy(engine, stack, wanted, { pause: bell.pause, signal, ...options })
  } finally {
    watch.abort()
    await watching
  }
}

async function lookUntilHealthy(
  engine: Health,
  stack: string,
  wanted: readonly string[],
  { timeout = patience, now = () => performance.now(), ...rest }: Options,
): Promise<StackState> {
  let judged = now()
  let unready = wanted
  const ended = createAttemptCount()
  const look = async () => {
    const state = await inspectStack(engine, stack)
    unready = wanted.filter(name => !isReady(state && serviceOf(state, name)))
    if (state && unready.length === 0) return state
    const services = unready.map(name => (state && serviceOf(state, name)) ?? undefined)
    ended.look(services)
    if (now() - judged < judgedEvery) return null
    judged = now()
    if (!state) throw disappeared(stack)
    for (const [index, name] of unready.entries()) {
      const trouble = troubleOf(services[index], ended.of(name))
      if (trouble) throw notHealthy(stack, name, trouble)
    }
    return null
  }
  const healthy = await until(look, { every: lookEvery, ...rest, timeout, now })
  if (healthy) return healthy
  throw notHealthy(stack, unready[0] ?? '', `is not healthy after ${timeout / 1000} s`)
}

/** A pause that an event ends early; one that comes before the pause ends it at once. */
function createBell() {
  let rung = false
  let wake = () => {}
  return {
    ring() {
      rung = true
      wake()
    },
    async pause(milliseconds: number, signal: AbortSignal | undefined) {
      const timer = new AbortController()
      wake = () => timer.abort()
      if (rung) wake()
      const both = signal ? AbortSignal.any([timer.signal, signal]) : timer.signal
      await sleep(milliseconds, undefined, { signal: both }).catch(() => {})
      wake = () => {}
      rung = false
    },
  }
}

/** Returns the error for a stack whose containers are gone. */
function disappeared(stack: string): UserError {
  return new UserError(`the stack ${stack} disappeared while it was starting`, {
    hint: 'another program removed its containers: run the command again',
  })
}

/** A service without a healthcheck is ready when it runs. */
function isReady(service: ServiceState | null | undefined) {
  return service?.state === 'running' && ['healthy', 'none'].includes(service.health)
}

/** Counts how often each service ended and waits for the engine's next attempt, as far as the looks see it. */
function createAttemptCount() {
  const counts = new Map<string, number>()
  let pausing: string[] = []
  return {
    look(services: readonly (ServiceState | undefined)[]) {
      const now = services.flatMap(s => (s?.state === 'restarting' ? s.name : []))
      for (const name of now.filter(name => !pausing.includes(name))) {
        counts.set(name, (counts.get(name) ?? 0) + 1)
      }
      pausing = now
    },
    of: (name: string) => counts.get(name) ?? 0,
  }
}

function troubleOf(service: ServiceState | undefined, ended: number): string | null {
  if (!service) return 'was removed'
  const { state, health } = service
  if (ended >= attempts) return 'ends at each attempt'
  if (state === 'running') return health === 'unhealthy' ? 'is unhealthy' : null
  return state === 'exited' ? 'has ended' : null
}

/** Names the container as Compose does: `explainFailure` finds its log by that. */
function notHealthy(stack: string, service: string, trouble: string) {
  return new UserError(`the container ${stack}-${service}-1 ${trouble}`, {
    hint: `run it again with --verbose, or run ${command('doctor')}`,
  })
}
