// exclusive: restarts an engine
import t from 'tap'
import { createServerApart } from '../../support/chaos/apart-stack.ts'
import { createServerRuns } from '../../support/chaos/server-runs.ts'
import { until } from '../../support/stack/process.ts'

// With the filter of a host with systemd: elsewhere workers wait for `serve up` after a reboot.
const { server, engine } = await createServerApart(t, {
  filters: true,
  settings: { RUN_LIMIT: '40', AGENT_MEMORY: '8g' },
})
const runs = createServerRuns(server)
const health = () =>
  server.request('/health').then(
    ({ status }) => status,
    () => null,
  )

for (const { name, fall, recover } of [
  {
    name: 'a killed engine',
    fall: () => engine.signal('dockerd', 'KILL'),
    recover: engine.restart,
  },
  {
    name: 'an orderly stop of the engine',
    fall: () => engine.signal('dockerd', 'TERM'),
    recover: engine.restart,
  },
  { name: 'a power failure', fall: engine.powerCut, recover: engine.boot },
]) {
  t.test(`${name} leaves 20 runs and queued messages with an end, and serves again`, async t => {
    const begun = await runs.begin(20)
    await fall()
    await recover()
    // No command starts it: the restart policy does.
    await until('the server', async () => (await health()) === 200, 300_000)
    // Whether the server or the worker ended first decides which of them says so.
    const ends = ['interrupted', 'failed', 'cancelled']
    await runs.expectEnds(t, begun, {
      ...{ waiting: ends, running: ends, completed: ['completed'], queued: [...ends, 'completed'] },
    })
    await runs.expectFree(t, begun)
  })
}
