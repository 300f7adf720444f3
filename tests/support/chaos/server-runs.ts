import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { z } from 'zod'
import { must, until } from '../stack/process.ts'
import type { TestServer } from '../stack/test-server.ts'
import { owner } from '../stack/test-stack.ts'

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
type State = keyof typeof prompts | 'queued'

/** A run that the server acknowledged; a queued one is a message to the run before it in its workspace. */
export type Begun = { runId: string; workspace: string; state: State }

const Status = z.object({
  busyWorkspaces: z.array(z.string()),
  runs: z.array(z.object({ runId: z.string(), status: z.string() })),
})
const Started = z.object({ runId: z.string() })
const patient = 300_000
const inProgress = ['running', 'waiting', 'unknown']

/** The runs of a server of which parts are killed. */
export function createServerRuns(server: TestServer) {
  const status = async () => Status.parse((await server.request('/status')).json)
  const stateOf = async (runId: string) =>
    (await status()).runs.find(run => run.runId === runId)?.status ?? 'unknown'
  const following = async () =>
    Number((await server.inside('worker-main', ['pgrep', '-xc', 'tail'])).stdout.trim())

  async function start(workspace: string, state: keyof typeof prompts): Promise<Begun> {
    const path = join(server.workspaces, 'main', workspace)
    await mkdir(path, { recursive: true })
    await must('chown', [`${owner}:${owner}`, path])
    const body = { prompt: prompts[state], workspace, async: true, noContinue: true, asks: true }
    const { json } = await server.request('/run', { body })
    return { ...Started.parse(json), workspace, state }
  }

  return {
    stateOf,

    /**
     * Starts so many runs in workspaces of their own, sends every fourth of those in progress a message,
     * and waits until each is where its prompt leads it.
     */
    async begin(count: number): Promise<Begun[]> {
      const states = ['waiting', 'running', 'completed'] as const
      const begun: Begun[] = []
      for (let index = 0; index < count; index++) {
        begun.push(await start(`w${index}`, states[index % 3] ?? 'running'))
      }
      const isThere = async () => {
        const now = new Map((await status()).runs.map(run => [run.runId, run.status]))
        return begun.every(({ runId, state }) => now.get(runId) === state)
      }
      await until('the runs', isThere, patient)
      const followers = begun.filter(({ state }) => state === 'running').length
      await until('their processes', async () => (await following()) === followers, patient)
      const queued: Begun[] = []
      for (const [index, { runId, workspace, state }] of begun.entries()) {
        if (state === 'completed' || index % 4 > 1) continue
        const body = { message: 'and then [[say the message]]' }
        const { status, json } = await server.request(`/run/message?runId=${runId}`, { body })
        if (status !== 200) throw new Error(`a message to ${runId}: ${JSON.stringify(json)}`)
        queued.push({ ...Started.parse(json), workspace, state: 'queued' })
      }
      return [...begun, ...queued]
    },

    /** Expects each run to be as it began: a queued one has not started. */
    async expectUnchanged(t: Test, begun: readonly Begun[], after: string) {
      for (const { runId, state } of begun) {
        const expected = state === 'queued' ? 'running' : state
        t.equal(await stateOf(runId), expected, `${runId} (${state}) after ${after}`)
      }
    },

    /** Waits for the end of each run, and expects one of those that its state allows, with a result. */
    async expectEnds(
      t: Test,
      begun: readonly Begun[],
      expected: Record<State, readonly string[]>,
    ): Promise<void> {
      for (const { runId, state } of begun) {
        const end = await until(
          `the end of ${runId}`,
          async () => {
            const now = await stateOf(runId)
            return inProgress.includes(now) ? null : now
          },
          patient,
        )
        t.ok(expected[state].includes(end), `${runId}, which was ${state}, is ${end}`)
        const { status, json } = await server.request(`/run/result?runId=${runId}`)
        t.equal(status, 200)
        if (state === 'completed') t.match(json, { result: 'done', isError: false })
        else if (end !== 'completed') {
          t.match(json, { isError: true })
          // Absent when Claude Code ended by itself, with a result of its own.
          if (!z.object({ type: z.literal('result') }).safeParse(json).success) {
            t.match(json, { status: end })
          }
        }
      }
    },

    /** Expects every workspace to be free, without processes of the runs, and to take the next run. */
    async expectFree(t: Test, begun: readonly Begun[]) {
      const isFree = async () => (await status()).busyWorkspaces.length === 0
      await until('the workspaces', isFree, patient)
      await until('the processes to end', async () => (await following()) === 0, patient)
      for (const { workspace } of begun.slice(0, 3)) {
        const body = { prompt: 'again [[say yes]]', workspace, noContinue: true }
        const again = async () => {
          const { json } = await server.request('/run', { body })
          return z.object({ result: z.literal('yes') }).safeParse(json).success
        }
        t.ok(await until(`a run in ${workspace}`, again, patient), `${workspace} takes a run`)
      }
    },
  }
}
