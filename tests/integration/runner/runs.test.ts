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

t.test('lines that are no messages are told of, without what a terminal would obey', async t => {
  const runner = await startRunner(t)
  const { result, notices, ended } = parts(await runner.run('malformed'))
  t.equal(result?.result, 'after all that')
  t.strictSame(notices, [
    'a line that is no message: not JSON ',
    'a line that is no message: ',
    'a line that is no message: [1]',
    'a line that is no message: {"no":"type"}',
    'a message without a type',
    'a line of 2 bytes that is no UTF-8 was left out',
  ])
  t.equal(ended?.outcome, 'completed')
})

t.test('a line of 20 MB is left out, and one below the limit is not', async t => {
  const runner = await startRunner(t)
  const long = parts(await runner.run('long 20000000'))
  t.strictSame(long.notices, ['a message of 20000022 bytes was left out'])
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
    error: 'claude ended without a result: the fake claude cannot go on',
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

t.test('a question of claude is answered: nobody is there', async t => {
  const runner = await startRunner(t)
  t.equal(parts(await runner.run('ask')).result?.result, 'nobody is there to answer')
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
  t.match(parts(await runner.run('x')).ended, { outcome: 'failed', error: /without a result/ })
  t.strictSame(runner.runner.status().runs, [], 'and the workspace is free')
})
