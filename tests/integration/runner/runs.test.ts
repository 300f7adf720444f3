import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { isThere, parts, startRunner } from './fixture.ts'

t.test('a prompt goes in on stdin, and what claude says comes out', async t => {
  const runner = await startRunner(t)
  writeFileSync(join(runner.root, 'standing.md'), 'always be brief')
  const prompt = '--settings={"hooks":{}} \0 \x1b[2J ü'
  const { started, result, ended } = parts(
    await runner.run(prompt, { systemPrompt: 'S', appendSystemPrompt: 'A', model: 'haiku' }),
  )
  t.match(started, { warm: false, meter: /^[0-9a-f]{16}$/, sessionId: /^[0-9a-f-]{36}$/ })
  t.equal(result?.result, prompt)
  t.notOk(result?.argv.some(word => word.includes('settings')))
  t.ok(result?.argv.includes(`--session-id=${started?.sessionId}`))
  t.ok(result?.argv.includes('--model=haiku'))
  t.strictSame(result?.initialized, {
    subtype: 'initialize',
    systemPrompt: 'S',
    appendSystemPrompt: 'always be brief\n\nA',
  })
  t.match(ended, { outcome: 'completed', exitCode: 0, swept: 0 })
})

t.test('a line that is not a message becomes a notice, without terminal control codes', async t => {
  const runner = await startRunner(t)
  const { result, notices, ended } = parts(await runner.run('malformed'))
  t.equal(result?.result, 'after all that')
  t.strictSame(notices, [
    'skipped a line that is not a message: not JSON ',
    'skipped a line that is not a message: ',
    'skipped a line that is not a message: [1]',
    'skipped a line that is not a message: {"no":"type"}',
    'skipped a message without a type',
    'skipped a line of 2 bytes that is not UTF-8',
  ])
  t.equal(ended?.outcome, 'completed')
})

t.test('a line of 20 MB is left out, and one below the limit is not', async t => {
  const runner = await startRunner(t)
  const long = parts(await runner.run('long 20000000'))
  t.strictSame(long.notices, ['skipped a message of 20000022 bytes: it is too long'])
  t.equal(long.result?.result, 'after a long line')
  const shorter = parts(await runner.run('long 8000000'))
  t.strictSame(shorter.notices, [])
  t.ok(shorter.messages.some(({ type }) => type === 'user'))
})

t.test('a crash is a failed run, with the words that it died with', async t => {
  const runner = await startRunner(t)
  const { ended, result } = parts(await runner.run('crash'))
  t.equal(result, undefined)
  t.match(ended, {
    outcome: 'failed',
    exitCode: 3,
    error: 'the fake claude cannot go on',
  })
})

t.test('what a run leaves behind is ended with it', async t => {
  const runner = await startRunner(t, { warm: 4 })
  const { result, ended } = parts(await runner.run('stray'))
  const pid = Number(result?.result.split(' ')[1])
  t.ok(pid > 1)
  t.notOk(isThere(pid))
  t.equal(ended?.swept, 1)
  t.strictSame(runner.runner.status().warm, [], 'and its process does not live on')
})

t.test('a request of claude that no one can serve is answered', async t => {
  const runner = await startRunner(t)
  const { result } = parts(await runner.run('request hook_callback'))
  t.equal(result?.result, 'this host does not serve requests')
})

t.test('an API that wants to be left alone for long ends the run', async t => {
  const runner = await startRunner(t)
  t.match(parts(await runner.run('retry 529')).ended, {
    outcome: 'failed',
    error: 'the model API answers 529: overloaded, after 1 attempt',
  })
  t.match(parts(await runner.run('retry')).ended, {
    error: 'the model API cannot be reached: overloaded, after 1 attempt',
  })
})

t.test('what cannot be started is a failed run', async t => {
  const runner = await startRunner(t)
  writeFileSync(join(runner.root, 'claude'), '')
  t.match(parts(await runner.run('x')).ended, { outcome: 'failed', error: /printed no reason/ })
  t.strictSame(runner.runner.status().runs, [], 'and the workspace is free')
})
