import t from 'tap'
import { refuseMissingVariables } from '../../../../src/operations/start/start-here.ts'

const asked: string[] = []
const engine = {
  async inspect(path: string) {
    asked.push(path)
    return { Config: { Env: ['PATH=/usr/bin', 'REGION=eu', 'EMPTY='] } }
  },
}
const judge = (env: NodeJS.ProcessEnv) => refuseMissingVariables(engine, { container: 'abc' }, env)

t.test('a variable that the container lacks, or has with another value, is refused', async t => {
  await t.rejects(judge({ CLAUDE_ENV_STAGE: 'test-value', CLAUDE_ENV_REGION: 'us' }), {
    message:
      'CLAUDE_ENV_REGION, CLAUDE_ENV_STAGE cannot reach this run: the stack is in use with other settings',
    hint: /end the session or the run/,
  })
  const error = await judge({ CLAUDE_ENV_STAGE: 'test-value' }).catch(String)
  t.notMatch(error, /test-value/, 'the value may be private')
  t.same(asked.at(-1), '/containers/abc/json')
})

t.test('variables that are there, and other settings, pass', async t => {
  await t.resolves(judge({ CLAUDE_ENV_REGION: 'eu' }))
  const before = asked.length
  await t.resolves(judge({ CLAUDE_ENV_: 'x', CLAUDE_ENV_STAGE: '', CLAUDE_MOUNT_1: '/data' }))
  t.equal(asked.length, before, 'the engine is asked only about variables')
})

t.test('an answer that does not say is an error', async t => {
  const silent = { inspect: async () => ({}) }
  await t.rejects(refuseMissingVariables(silent, { container: 'abc' }, { CLAUDE_ENV_X: '1' }))
})
