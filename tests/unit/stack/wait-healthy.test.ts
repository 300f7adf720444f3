import t from 'tap'
import type { ContainerSummary } from '../../../src/engine/engine.ts'
import { renderIdentityLabels } from '../../../src/stack/identity.ts'
import { waitUntilHealthy } from '../../../src/stack/wait-healthy.ts'
import { stackValue } from '../../support/stack/stack-value.ts'

const { identity } = stackValue()
const { name: stack } = identity

const container = (service: string, Status: string, State = 'running'): ContainerSummary => ({
  Id: `id-${service}`,
  Names: [`/${service}-1`],
  Image: 'x',
  ImageID: 'sha256:0',
  State,
  Status,
  Created: 1_700_000_000,
  Labels: {
    ...renderIdentityLabels(identity),
    'com.docker.compose.service': service,
  },
})
const healthy = container('proxy', 'Up 1 second (healthy)')
const starting = container('proxy', 'Up 1 second (health: starting)')
const unhealthy = container('proxy', 'Up 1 second (unhealthy)')
const restarting = container('proxy', 'Restarting (1) 1 second ago', 'restarting')
const agent = container('claude', 'Up 1 second (healthy)')

/** Waits with a clock that moves only by pauses; `lists` has the engine's answer at a time. */
async function wait(
  lists: (time: number) => readonly ContainerSummary[],
  options: { timeout?: number; wanted?: string[]; signal?: AbortSignal } = {},
) {
  const { wanted = ['claude', 'proxy'], ...rest } = options
  let time = 0
  const engine = { containers: async () => [...lists(time)], watchContainers: async () => {} }
  const clock = {
    now: () => time,
    pause: async (milliseconds: number) => {
      time += milliseconds
    },
  }
  const outcome = await waitUntilHealthy(engine, stack, wanted, { ...clock, ...rest }).then(
    ({ services }) => services.map(({ name, health }) => `${name} ${health}`).join(', '),
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
  return { outcome, time }
}

t.test('a stack that is healthy is not waited for', async t => {
  t.same(await wait(() => [agent, healthy]), {
    outcome: 'claude healthy, proxy healthy',
    time: 0,
  })
})

t.test('a service that becomes healthy is noticed, and the last one decides', async t => {
  const lists = (time: number) => [agent, time < 310 ? starting : healthy]
  t.same(await wait(lists), { outcome: 'claude healthy, proxy healthy', time: 500 })
  const late = await wait(time => [agent, time < 60_000 ? starting : healthy])
  t.same(late, { outcome: 'claude healthy, proxy healthy', time: 60_000 })
})

t.test('a service that is not wanted may be in any state', async t => {
  const { outcome } = await wait(() => [agent, unhealthy], { wanted: ['claude'] })
  t.match(outcome, 'claude healthy')
})

t.test('a service without a healthcheck is ready when it runs', async t => {
  const { outcome } = await wait(() => [agent, container('proxy', 'Up 1 second')])
  t.equal(outcome, 'claude healthy, proxy none')
})

t.test('a service that ended once is waited for, however long the engine pauses', async t => {
  const lists = (time: number) => [
    agent,
    time < 400 ? starting : time < 30_000 ? restarting : time < 31_000 ? starting : healthy,
  ]
  t.match(await wait(lists), { outcome: /proxy healthy/, time: 31_000 })
})

t.test('a service that ends again ends the wait, also while the next attempt runs', async t => {
  const lists = (time: number) => [
    agent,
    [200, 700].some(end => time >= end && time < end + 100) ? restarting : starting,
  ]
  const { outcome, time } = await wait(lists)
  t.match(outcome, /-proxy-1 ends at each attempt$/)
  t.equal(time, 1_000)
})

for (const [what, list, message] of [
  ['is unhealthy', [agent, unhealthy], /-proxy-1 is unhealthy$/],
  ['ended for good', [agent, container('proxy', 'Exited (1)', 'exited')], /-proxy-1 has ended$/],
  ['was removed', [agent], /-proxy-1 was removed$/],
] as const) {
  t.test(`a service that ${what} ends the wait with its name`, async t => {
    const { outcome, time } = await wait(() => list)
    t.match(outcome, message)
    t.match(outcome, stack, 'the container has the name of its stack')
    t.equal(time, 500)
  })
}

t.test('a stack that was removed ends the wait', async t => {
  const { outcome } = await wait(time => (time < 300 ? [agent, starting] : []))
  t.equal(outcome, `the stack ${stack} disappeared while it was starting`)
})

t.test('a service that never becomes healthy is named after the timeout', async t => {
  const { outcome, time } = await wait(() => [agent, starting])
  t.equal(outcome, `the container ${stack}-proxy-1 is not healthy after 120 s`)
  t.equal(time, 120_000)
  t.equal((await wait(() => [agent, starting], { timeout: 1_000 })).time, 1_000)
})

t.test(
  'an event of the engine is followed by a look, also one that came during a look',
  async t => {
    let event = () => {}
    let stopped = false
    const lists = [
      [agent, starting],
      [agent, starting],
      [agent, healthy],
    ]
    const engine = {
      containers: async () => {
        const list = lists.shift() ?? []
        // During the first look, and in the pause after the second.
        if (lists.length === 2) event()
        else setTimeout(event, 1)
        return list
      },
      watchContainers: (label: string, signal: AbortSignal, onEvent: () => void) => {
        t.equal(label, `claude-secure.stack=${stack}`)
        event = onEvent
        return new Promise<void>((_, reject) =>
          signal.addEventListener('abort', () => {
            stopped = true
            reject(new Error('stopped'))
          }),
        )
      },
    }
    // Without the events the next look would be in an hour.
    const state = await waitUntilHealthy(engine, stack, ['proxy'], { every: 3_600_000 })
    t.equal(state.services[1]?.health, 'healthy')
    t.ok(stopped, 'the stream of events is closed')
  },
)

t.test('an interrupt ends the wait with its reason', async t => {
  const signal = AbortSignal.abort(new Error('stopped by hand'))
  t.equal((await wait(() => [agent, healthy], { signal })).outcome, 'stopped by hand')
})
