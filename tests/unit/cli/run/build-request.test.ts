import { join } from 'node:path'
import t from 'tap'
import { buildRequest } from '../../../../src/cli/run/build-request.ts'
import { mkfifoSync } from '../../../support/run/fifo.ts'

t.test('without options the last run is continued, for an hour at most', async t => {
  t.same(await buildRequest('hello', {}), {
    prompt: 'hello',
    session: { kind: 'continue' },
    timeoutSeconds: 3_600,
  })
})

t.test('every option is part of the request', async t => {
  const folder = t.testdir({ schema: '{"type":"object"}', append: 'and this' })
  const request = await buildRequest('hello', {
    model: 'sonnet[1m]',
    effort: 'xhigh',
    systemPrompt: '--be brief',
    appendSystemPromptFile: join(folder, 'append'),
    jsonSchema: join(folder, 'schema'),
    continue: false,
    timeout: '1h30m',
    maxBudgetUsd: '0.5',
    maxTurns: '3',
    tools: 'Bash, Read',
  })
  t.same(request, {
    prompt: 'hello',
    model: 'sonnet[1m]',
    effort: 'xhigh',
    systemPrompt: '--be brief',
    appendSystemPrompt: 'and this',
    jsonSchema: { type: 'object' },
    session: { kind: 'fresh' },
    tools: ['Bash', 'Read'],
    maxTurns: 3,
    maxBudgetUsd: 0.5,
    timeoutSeconds: 5_400,
  })
  t.same((await buildRequest('x', { jsonSchema: ' {"a":1}' })).jsonSchema, { a: 1 })
  t.same((await buildRequest('x', { tools: '' })).tools, [])
  t.equal((await buildRequest('x', { tools: 'default' })).tools, undefined)
  const id = '9f0c9c1e-7c55-4e0a-9a49-1a2b3c4d5e6f'
  t.same((await buildRequest('x', { resume: id })).session, { kind: 'resume', id })
  t.same((await buildRequest('x', { continue: true })).session, { kind: 'continue' })
  t.equal((await buildRequest('x', { timeout: '12' })).timeoutSeconds, 12)
})

t.test('an invalid value is named with its option', async t => {
  for (const [options, message] of [
    [{ model: '-x' }, /^--model -x: must be the name of a model/],
    [{ model: 'a\nb' }, /^--model a b: /],
    [{ effort: 'big' }, /^--effort big: is not a level$/],
    [{ resume: '../x' }, /^--resume \.\.\/x: must be a session id/],
    [{ tools: 'Bash(rm:*)' }, /^--tools Bash\(rm:\*\) is a permission rule/],
    [{ maxTurns: '1.5' }, /^--max-turns 1\.5: must be a whole number/],
    [{ maxTurns: 'x' }, /^--max-turns x: must be a whole number/],
    [{ maxBudgetUsd: '0' }, /^--max-budget-usd 0: must be an amount/],
    [{ timeout: 'soon' }, /^--timeout soon: must be a time/],
    [{ timeout: '0s' }, /^--timeout 0s: /],
    [{ timeout: '0' }, /^--timeout 0: must be a time/],
    [{ timeout: '86401' }, /^--timeout 86401: must be a time/],
    [{ timeout: '1.5' }, /^--timeout 1\.5: must be a time/],
    [{ timeout: '2d' }, /^--timeout 2d: must be a time/],
    [{ systemPrompt: 'x'.repeat(2_000_000) }, /^--system-prompt: must be at most/],
    [{ jsonSchema: '[]' }, /^--json-schema \[\] cannot be read/],
    [{ jsonSchema: '{' }, /^--json-schema \{ is not a JSON object/],
    [{ resume: 'x', continue: true }, /--resume and --continue/],
    [{ resume: 'x', continue: false }, /--resume and --no-continue/],
    [{ systemPrompt: 'x', systemPromptFile: 'y' }, /--system-prompt and --system-prompt-file/],
  ] as const) {
    await t.rejects(buildRequest('x', options), { message, exitCode: 2, hint: /\w/ })
  }
})

t.test('only regular files of a bounded size are read', async t => {
  const folder = t.testdir({ large: 'x'.repeat(2_000_000) })
  const pipe = join(folder, 'pipe')
  mkfifoSync(pipe)
  for (const [path, message] of [
    [pipe, /not a regular file/],
    ['/dev/zero', /not a regular file/],
    [folder, /not a regular file/],
    [join(folder, 'large'), /larger than 1048576 bytes/],
    [join(folder, 'nowhere'), /nowhere cannot be read: the file does not exist$/],
  ] as const) {
    const options = { appendSystemPromptFile: path }
    await t.rejects(buildRequest('x', options), { message, exitCode: 2 })
  }
})
