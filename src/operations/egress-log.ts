import { type DirectAttempt, parseDirectAttempt } from '../egress/direct-names.ts'
import { type AccessDecision, parseAccessDecision } from '../egress/proxy-log.ts'
import type { Engine } from '../engine/engine.ts'
import type { StackState } from '../stack/inspect.ts'
import { isAgent, serviceOfEgress } from '../stack/services.ts'

export type EgressEntry = AccessDecision | DirectAttempt

type LogEngine = Pick<Engine, 'followLog'>
type Period = { since?: number; until?: number; follow: boolean; signal: AbortSignal }
type Source = { name: string; container: string }

/** Maximum past attempts that are kept, the newest: the agent can write any number of them. */
const mostAttempts = 1_000

/**
 * Passes on the proxy's decisions, and between them the names that the agent's programs asked DNS for, which
 * resolves none. Past entries come by time; with `follow`, later ones as they arrive. `onLeftOut` gets the
 * number of older attempts that are not passed on.
 */
export async function readEgressLog(
  engine: LogEngine,
  state: StackState,
  { since, follow, signal }: { since: number | null; follow: boolean; signal: AbortSignal },
  { onEntry, onLeftOut }: { onEntry: (entry: EgressEntry) => void; onLeftOut: (n: number) => void },
): Promise<void> {
  const agents = state.services.filter(({ name }) => isAgent(name))
  const proxies = state.services.filter(({ name }) => name === serviceOfEgress)
  const now = Date.now() / 1000
  const past = {
    ...{ follow: false, signal, ...(since !== null && { since }) },
    // By the engine's clock: what is later comes with the lines that are followed.
    ...(follow && { until: now }),
  }
  await readPast(engine, { agents, proxies }, past, { onEntry, onLeftOut })
  if (!follow || signal.aborted) return
  // An agent's container that ends must not end the rest, and the proxy ends with its stack.
  const ended = new AbortController()
  const live = { since: now, follow: true, signal: AbortSignal.any([signal, ended.signal]) }
  const attempts = agents.map(agent => readAttempts(engine, agent, live, onEntry).catch(() => {}))
  try {
    for (const proxy of proxies) await readDecisions(engine, proxy, live, onEntry)
  } finally {
    ended.abort()
    await Promise.all(attempts)
  }
}

async function readPast(
  engine: LogEngine,
  { agents, proxies }: { agents: readonly Source[]; proxies: readonly Source[] },
  period: Period,
  { onEntry, onLeftOut }: { onEntry: (entry: EgressEntry) => void; onLeftOut: (n: number) => void },
) {
  const newest = createNewest<DirectAttempt>(mostAttempts)
  for (const agent of agents) await readAttempts(engine, agent, period, newest.add)
  const { leftOut, items } = newest.result()
  if (leftOut > 0) onLeftOut(leftOut)
  const attempts = items.sort((a, b) => a.ts - b.ts)
  let next = 0
  const passUntil = (ts: number) => {
    for (; next < attempts.length; next++) {
      const attempt = attempts[next]
      if (!attempt || attempt.ts > ts) return
      onEntry(attempt)
    }
  }
  for (const proxy of proxies) {
    await readDecisions(engine, proxy, period, decision => {
      passUntil(decision.ts)
      onEntry(decision)
    })
  }
  passUntil(Number.POSITIVE_INFINITY)
}

async function readDecisions(
  engine: LogEngine,
  { container }: Source,
  period: Period,
  onDecision: (decision: AccessDecision) => void,
) {
  await engine.followLog(container, { tail: 'all', ...period }, line => {
    const decision = parseAccessDecision(line)
    if (decision) onDecision(decision)
  })
}

async function readAttempts(
  engine: LogEngine,
  { name, container }: Source,
  period: Period,
  onAttempt: (attempt: DirectAttempt) => void,
) {
  await engine.followLog(container, { tail: 'all', timestamps: true, ...period }, line => {
    const attempt = parseDirectAttempt(line, name)
    if (attempt) onAttempt(attempt)
  })
}

/** Keeps the last `most` items that were added. */
function createNewest<T>(most: number) {
  let items: T[] = []
  let added = 0
  return {
    add(item: T) {
      added++
      items.push(item)
      if (items.length >= 2 * most) items = items.slice(-most)
    },
    result: () => ({ items: items.slice(-most), leftOut: Math.max(0, added - most) }),
  }
}
