import t from 'tap'
import { createServerRuns } from '../../support/chaos/server-runs.ts'
import { must, until } from '../../support/stack/process.ts'
import { createTestServer } from '../../support/stack/test-server.ts'

const server = await createTestServer(t, { settings: { RUN_LIMIT: '40', AGENT_MEMORY: '8g' } })
const runs = createServerRuns(server)

async function kill(service: string) {
  const id = ['inspect', '--format', '{{.State.Pid}} {{.State.StartedAt}}']
  const look = () => must('docker', [...id, server.container(service)])
  const before = await look()
  await must('kill', ['-9', before.split(' ')[0] ?? ''])
  await until('a new one', async () => {
    const now = await look()
    return now !== before && !now.startsWith('0 ')
  })
  await until('the server', async () => (await health()) === 200)
}
const health = () =>
  server.request('/health').then(
    ({ status }) => status,
    () => null,
  )

t.test('20 runs and queued messages outlive ingress, gateway and proxy', async t => {
  const begun = await runs.begin(20)
  t.equal(begun.filter(({ state }) => state === 'queued').length, 7)
  for (const service of ['ingress', 'gateway', 'proxy']) {
    await kill(service)
    await runs.expectUnchanged(t, begun, service)
  }
  for (const { runId, state } of begun) {
    if (state === 'waiting') {
      const body = { answers: { 'Which?': 'This' } }
      t.match(await server.request(`/run/answer?runId=${runId}`, { body }), { status: 200 })
    }
    if (state === 'running') {
      const cancelled = await server.request(`/run/cancel?runId=${runId}`, { method: 'POST' })
      t.match(cancelled, { status: 200 })
    }
  }
  await runs.expectEnds(t, begun, {
    ...{ waiting: ['completed'], running: ['cancelled'], completed: ['completed'] },
    // Each went on when the run before it had ended.
    queued: ['completed'],
  })
  await runs.expectFree(t, begun)
})

for (const { service, ends, queued } of [
  { service: 'server', ends: 'interrupted', queued: ['interrupted'] },
  // A message whose turn comes while the worker starts again is refused by it, and says so.
  { service: 'worker-main', ends: 'failed', queued: ['completed', 'failed'] },
]) {
  t.test(
    `a killed ${service} leaves 20 runs and queued messages with an end, and no workspace stuck`,
    async t => {
      const begun = await runs.begin(20)
      await kill(service)
      await runs.expectEnds(t, begun, {
        ...{ waiting: [ends], running: [ends], completed: ['completed'], queued },
      })
      await runs.expectFree(t, begun)
    },
  )
}
