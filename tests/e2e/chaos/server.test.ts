import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { must, until } from '../../support/stack/process.ts'
import { createTestServer } from '../../support/stack/test-server.ts'
import { owner } from '../../support/stack/test-stack.ts'

const server = await createTestServer(t, { settings: { RUN_LIMIT: '20', AGENT_MEMORY: '8g' } })

const Status = z.object({
  busyWorkspaces: z.array(z.string()),
  runs: z.array(z.object({ runId: z.string(), status: z.string() })),
})
const status = async () => Status.parse((await server.request('/status')).json)
const stateOf = async (runId: string) =>
  (await status()).runs.find(run => run.runId === runId)?.status ?? 'unknown'

const question = { question: 'Which?', header: 'W', multiSelect: false, options: [] }
const choices = [
  { label: 'This', description: 'one' },
  { label: 'That', description: 'other' },
]
const ask = { questions: [{ ...question, options: choices }] }
const prompts = {
  waiting: `[[tool AskUserQuestion ${JSON.stringify(ask)}]]`,
  running: '[[bash tail -f /dev/null]]',
  completed: 'x [[say done]]',
} as const
type State = keyof typeof prompts
type Begun = { runId: string; workspace: string; state: State }

/** Starts so many runs in workspaces of their own, and waits until each is where its prompt leads it. */
async function beginRuns(count: number): Promise<Begun[]> {
  const states: State[] = ['waiting', 'running', 'completed']
  const begun: Begun[] = []
  for (let index = 0; index < count; index++) {
    const workspace = `w${index}`
    const path = join(server.workspaces, 'main', workspace)
    await mkdir(path, { recursive: true })
    await must('chown', [`${owner}:${owner}`, path])
    const state = states[index % 3] ?? 'running'
    const body = { prompt: prompts[state], workspace, async: true, noContinue: true, asks: true }
    const { json } = await server.request('/run', { body })
    begun.push({ ...z.object({ runId: z.string() }).parse(json), workspace, state })
  }
  await until(
    'the runs',
    async () => {
      const { runs } = await status()
      const now = new Map(runs.map(run => [run.runId, run.status]))
      return begun.every(({ runId, state }) => now.get(runId) === state)
    },
    240_000,
  )
  const followers = begun.filter(({ state }) => state === 'running').length
  await until('their processes', async () => (await following()) === followers, 120_000)
  return begun
}

const following = async () =>
  Number((await server.inside('worker-main', ['pgrep', '-xc', 'tail'])).stdout.trim())

async function kill(service: string) {
  const id = ['inspect', '--format', '{{.State.Pid}} {{.State.StartedAt}}']
  const look = () => must('docker', [...id, server.container(service)])
  const before = await look()
  await must('kill', ['-9', before.split(' ')[0] ?? ''])
  await until('a new one', async () => {
    const now = await look()
    return now !== before && !now.startsWith('0 ')
  })
  await until('the server', async () => (await health()) === 200, 60_000)
}
const health = () =>
  server.request('/health').then(
    ({ status }) => status,
    () => null,
  )

async function expectFree(begun: readonly Begun[]) {
  await until('the workspaces', async () => (await status()).busyWorkspaces.length === 0)
  await until('the processes to end', async () => (await following()) === 0)
  for (const { workspace } of begun.slice(0, 3)) {
    const body = { prompt: 'again [[say yes]]', workspace }
    await until(`a run in ${workspace}`, async () => {
      const { json } = await server.request('/run', { body, timeout: 120_000 })
      return z.object({ result: z.literal('yes') }).safeParse(json).success
    })
  }
}

for (const { service, count, ends } of [
  { service: 'server', count: 20, ends: 'interrupted' },
  { service: 'worker-main', count: 6, ends: 'failed' },
]) {
  t.test(
    `a killed ${service} leaves ${count} runs with an end, and no workspace stuck`,
    async t => {
      const begun = await beginRuns(count)
      await kill(service)
      for (const { runId, state } of begun) {
        const expected = state === 'completed' ? 'completed' : ends
        const found = await until(`the end of ${runId}`, async () => {
          const now = await stateOf(runId)
          return ['running', 'waiting'].includes(now) ? null : now
        })
        t.equal(found, expected, `${runId}, which was ${state}`)
        const { json } = await server.request(`/run/result?runId=${runId}`)
        t.match(json, state === 'completed' ? { result: 'done' } : { isError: true })
      }
      await expectFree(begun)
    },
  )
}

for (const service of ['gateway', 'proxy']) {
  t.test(
    `runs go on when the ${service} is killed, also those that wait for an answer`,
    async t => {
      const begun = await beginRuns(6)
      await kill(service)
      for (const { runId, state } of begun) {
        t.equal(await stateOf(runId), state)
        if (state === 'waiting') {
          const body = { answers: { 'Which?': 'This' } }
          t.match(await server.request(`/run/answer?runId=${runId}`, { body }), { status: 200 })
        }
        if (state === 'running') {
          const cancelled = await server.request(`/run/cancel?runId=${runId}`, { method: 'POST' })
          t.match(cancelled, { status: 200 })
        }
      }
      const expected = { waiting: 'completed', running: 'cancelled', completed: 'completed' }
      for (const { runId, state } of begun) {
        const end = expected[state]
        await until(`${runId} to be ${end}`, async () => (await stateOf(runId)) === end, 120_000)
      }
      await expectFree(begun)
    },
  )
}
