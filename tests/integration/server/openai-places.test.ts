import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { until } from '../../../src/base/async.ts'
import { storedToken, token } from './fixture.ts'
import { startRunning } from './running.ts'

const patient = { every: 20, timeout: 60_000 }
const user = (content: string) => ({ role: 'user', content })
const other = 'cs_other'

async function start(t: Test) {
  const running = await startRunning(t, {
    // The fake Claude writes no sessions: the warm process has its own.
    runner: { warm: 2 },
    tokens: [storedToken('default', token), storedToken('other', other)],
  })
  const { ask, runner } = running
  return {
    ...running,
    places: join(runner.root, 'workspaces/.openai/default'),
    /** Answers with Claude Code's own result. */
    async complete(messages: object[], more: object = {}, bearer = token) {
      const body = { model: 'haiku', messages, ...more }
      const answer = await ask('/v1/chat/completions', { method: 'POST', body, bearer })
      const runId = answer.headers['x-claude-run-id']
      return (await ask(`/run/result?runId=${runId}`, { bearer })).body
    },
  }
}

t.test('a user without a chat has a workspace, and goes on in its session', async t => {
  const { complete, ask } = await start(t)
  const ann = { user: 'ann' }
  const first = await complete([user('one')], ann)
  t.match(first.workspace, /\/\.openai\/default\/user-[0-9a-f]{20}$/)
  const past = [user('one'), { role: 'assistant', content: 'one' }]
  const { workspace, sessionId } = first
  t.match(await complete([...past, user('two')], ann), { workspace, sessionId, result: 'two' })
  t.not((await complete([user('one')], { user: 'bob' })).workspace, workspace)
  t.match((await complete([user('one')], ann, other)).workspace, /\.openai\/other\/user-/)
  t.match((await complete([user('one')], { user: '' })).workspace, /scratch-1$/)
  const body = { model: 'haiku', messages: [user('one')], metadata: { user_id: 'ann' } }
  await ask('/v1/messages', { method: 'POST', body })
  const { runs } = (await ask('/status')).body
  t.equal(runs.filter((run: { workspace: string }) => run.workspace === workspace).length, 3)
})

t.test('another conversation of a user does not wait for the first', async t => {
  const { complete, ask, folder } = await start(t)
  const ann = { user: 'ann' }
  const gate = join(folder, 'gate')
  const first = complete([user(`when ${gate}`)], ann)
  const isBusy = async () => (await ask('/status')).body.busyWorkspaces.length === 1 || null
  t.ok(await until(isBusy, patient))
  t.match(await complete([user('two')], ann), { workspace: /scratch-1$/, result: 'two' })
  writeFileSync(gate, '')
  t.match(await first, { workspace: /user-/, result: 'it is there' })
})

t.test('the place of a conversation keeps its files until it is pruned', async t => {
  const { complete, places } = await start(t)
  await complete([user('one')], { user: 'ann' })
  const [name = ''] = readdirSync(places)
  writeFileSync(join(places, name, 'a.txt'), 'of ann')
  await complete([user('two')], { user: 'ann' })
  t.ok(existsSync(join(places, name, 'a.txt')))
})
