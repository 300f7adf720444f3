import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { seenPrompts } from '../support/run/seen-prompts.ts'
import { run, until } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { files: { 'welcome.txt': 'read by a run\n' } })
const claude = join(stack.checkout, 'claude.ts')

/** A run in the stack's folder, and what of it reached the model. */
async function ask(args: readonly string[], options: { input?: string } = {}) {
  await stack.internet.forgetModelRequests()
  const outcome = await stack.cli(['run', ...args], options)
  return { ...outcome, seen: await seenPrompts(stack) }
}

t.test('the first run starts the worker; stdout gets only the answer', async t => {
  const { code, stdout, stderr } = await ask(['[[say Hello from the model.]]'])
  t.equal(code, 0, stderr)
  t.equal(stdout, 'Hello from the model.\n')
  t.match(stderr, /worker/, 'what was done is told on stderr')
  const again = await ask(['[[say again]]'])
  t.equal(again.stdout, 'again\n')
  t.equal(again.stderr, '', 'and nothing when it is there already')
})

t.test('the short forms are runs', async t => {
  for (const args of [
    ['[[say short form]]'],
    ['-p', '[[say short form]]'],
    ['--print', '[[say short form]]'],
    ['--model', 'haiku', '[[say short form]]'],
  ]) {
    const { code, stdout, stderr } = await stack.cli(args)
    t.equal(stdout, 'short form\n', stderr)
    t.equal(code, 0)
  }
})

t.test('piped input is the prompt, or is appended to it on its own line', async t => {
  t.equal((await ask([], { input: '[[say from a pipe]]' })).stdout, 'from a pipe\n')
  const { stdout, seen } = await ask(['[[say both]]'], { input: 'the material' })
  t.equal(stdout, 'both\n')
  t.ok(seen.at(-1)?.texts.includes('[[say both]]\nthe material'))
  await writeFile(join(stack.workspace, 'prompt.md'), '[[say from a file]]')
  t.equal((await ask(['--prompt-file', 'prompt.md'])).stdout, 'from a file\n')
})

t.test('model, effort, texts and tools reach the model as given', async t => {
  for (const [flag, expected] of [
    ['opus', /^claude-opus/],
    ['sonnet', /^claude-sonnet/],
    ['haiku', /^claude-haiku/],
    ['opusplan', /^claude-(opus|sonnet)/],
    ['sonnet[1m]', /^claude-sonnet/],
    ['claude-some-other-1', /^claude-some-other-1$/],
  ] as const) {
    const { code, stderr, seen } = await ask(['--model', flag, '--no-continue', '[[say ok]]'])
    t.equal(code, 0, stderr)
    t.match(seen.at(-1)?.model, expected, flag)
  }
  for (const effort of ['low', 'medium', 'high', 'xhigh', 'max']) {
    const { code, stderr, seen } = await ask(['--effort', effort, '--no-continue', '[[say ok]]'])
    t.equal(code, 0, stderr)
    t.equal(seen.at(-1)?.effort, effort)
  }
  const given = await ask(['--no-continue', '--system-prompt', '- You are a parrot.', '[[say ok]]'])
  t.match(given.seen.at(-1)?.system, /- You are a parrot\./)
  t.notMatch(given.seen.at(-1)?.system, /interactive agent/i, 'in place of its own')
  await writeFile(join(stack.workspace, 'append.md'), 'Speak like a pirate.')
  const appended = ['--append-system-prompt-file', 'append.md']
  const added = await ask(['--no-continue', ...appended, '[[say ok]]'])
  t.match(added.seen.at(-1)?.system, /Speak like a pirate\./)
  t.ok((added.seen.at(-1)?.system.length ?? 0) > 1_000, 'after its own')
  const few = await ask(['--no-continue', '--tools', 'Bash,Read', '[[say ok]]'])
  const offered = few.seen.at(-1)?.tools.filter(name => !name.startsWith('Deferred'))
  t.same(offered?.toSorted(), ['Bash', 'Read'])
  t.same((await ask(['--no-continue', '--tools', '', '[[say ok]]'])).seen.at(-1)?.tools, [])
})

t.test('json is the result object; json-verbose adds turns and system', async t => {
  const prompt = '[[bash seq 1 2000]] [[read /workspace/welcome.txt]] [[say ready]]'
  const json = JSON.parse((await ask(['--output-format', 'json', prompt])).stdout)
  t.match(json, { type: 'result', subtype: 'success', is_error: false, result: 'ready' })
  t.type(json.total_cost_usd, 'number')
  const verbose = JSON.parse((await ask(['--output-format', 'json-verbose', prompt])).stdout)
  t.match(verbose, { type: 'result', result: 'ready', session_id: json.session_id })
  t.same(
    verbose.turns.map(({ role }: { role: string }) => role),
    ['assistant', 'tool_result', 'assistant', 'tool_result', 'assistant'],
  )
  const [use, long, , read] = verbose.turns.flatMap(
    ({ content }: { content: unknown[] }) => content,
  )
  t.match(use, { type: 'tool_use', name: 'Bash', input: { command: 'seq 1 2000' } })
  t.match(long, { type: 'tool_result', isError: false, truncated: true, toolUseId: use.id })
  const whole = Array.from({ length: 2000 }, (_, index) => index + 1).join('\n')
  t.equal(long.content, whole.slice(0, 2000))
  t.equal(long.totalLength, whole.length)
  t.equal(long.sha256, createHash('sha256').update(whole).digest('hex'))
  t.match(read.content, /read by a run/)
  t.match(verbose.system, {
    sessionId: json.session_id,
    model: /^claude-/,
    cwd: '/workspace',
    tools: Array,
  })
})

t.test('stream-json is one event a line, as `claude -p` has it', async t => {
  const { stdout } = await ask(['--output-format', 'stream-json', '[[bash echo hi]] [[say done]]'])
  const events = stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  t.match(events[0], { type: 'system', subtype: 'init' })
  t.match(events.at(-1), { type: 'result', result: 'done' })
  const types = new Set(events.map(({ type }) => type))
  t.notOk(types.has('stream_event'))
  t.notOk([...types].some(type => type.startsWith('control_')))
  const partial = ['--output-format', 'stream-json', '--include-partial-messages']
  t.match((await ask([...partial, '[[say done]]'])).stdout, /"type":"stream_event"/)
})

const schema = {
  type: 'object',
  properties: { colour: { type: 'string' }, count: { type: 'integer', minimum: 1 } },
  required: ['colour', 'count'],
}

t.test('with a schema, the answer matches it or the run fails', async t => {
  const inline = ['--no-continue', '--json-schema', JSON.stringify(schema)]
  const good = '[[structured {"colour":"red","count":3}]]'
  const right = await ask([...inline, '--output-format', 'json', good])
  t.equal(right.code, 0, right.stderr)
  t.same(JSON.parse(right.stdout).structured_output, { colour: 'red', count: 3 })
  await writeFile(join(stack.workspace, 'schema.json'), JSON.stringify(schema))
  const text = await ask(['--no-continue', '--json-schema', 'schema.json', good])
  t.same(JSON.parse(text.stdout), { colour: 'red', count: 3 }, 'text is the form itself')
  const none = await ask([...inline, '[[say just words]]'])
  t.equal(none.code, 1)
  t.match(none.stderr, /no answer in the form of the schema|structured output/i)
  const wrong = await ask(['--json-schema', '{"type":"nonsense"}', 'x'])
  t.equal(wrong.code, 2)
  t.match(wrong.stderr, /schema is not valid/)
  t.same(wrong.seen, [], 'nothing was asked of the model')
})

t.test('runs continue, begin a new conversation, and resume', async t => {
  const session = async (args: string[]) => {
    const { stdout, seen, stderr } = await ask(['--output-format', 'json', ...args])
    t.ok(stdout, stderr)
    return { id: JSON.parse(stdout).session_id as string, messages: seen.at(-1)?.messages ?? 0 }
  }
  const first = await session(['--no-continue', '[[say one]]'])
  const second = await session(['[[say two]]'])
  t.equal(second.id, first.id)
  t.ok(second.messages > first.messages, 'the conversation went on')
  const fresh = await session(['--no-continue', '[[say three]]'])
  t.not(fresh.id, first.id)
  t.equal(fresh.messages, first.messages)
  const resumed = await session(['--resume', first.id, '[[say four]]'])
  t.ok(resumed.messages > second.messages)
})

t.test('sessions of other folders and unknown sessions are refused', async t => {
  for (const [id, error] of [
    ['9f0c9c1e-7c55-4e0a-9a49-1a2b3c4d5e6f', /9f0c9c1e/],
    ['../../etc/passwd', /--resume \.\.\/\.\.\/etc\/passwd: must be a session id/],
    ['--settings={}', /must be a session id/],
  ] as const) {
    const { code, stderr, seen } = await ask([`--resume=${id}`, 'x'])
    t.equal(code, 2, stderr)
    t.match(stderr, error)
    t.match(stderr, /^hint: {2}\S/m)
    t.same(seen, [])
  }
})

t.test('hostile values are refused with a message, before any request to the model', async t => {
  for (const [args, error] of [
    [['--model', '--settings={"hooks":{}}', 'x'], /--model.*must be the name of a model/],
    [['--model=\x1b]0;owned\x07', 'x'], /--model/],
    [['--effort', 'enormous', 'x'], /--effort enormous/],
    [['--tools', '--dangerous', 'x'], /--tools/],
    [['--max-turns', '1e9', 'x'], /--max-turns 1e9/],
    [['--max-budget-usd', '-1', 'x'], /--max-budget-usd/],
    [['--timeout', '2w', 'x'], /--timeout 2w/],
    [['--output-format', 'xml', 'x'], /xml/],
    [['--prompt-file', '/dev/zero'], /not a regular file/],
    [['--prompt-file', 'nowhere'], /nowhere/],
    [['--json-schema', '{', 'x'], /--json-schema/],
    [['--continue', '--resume', '9f0c9c1e-7c55-4e0a-9a49-1a2b3c4d5e6f', 'x'], /--continue/],
    [['--settings={"hooks":{}}'], /unknown option/],
    [[''], /no prompt/],
    [['a', 'b'], /too many arguments/],
  ] as const) {
    const { code, stderr, seen } = await ask(args)
    t.equal(code, 2, `${args.join(' ')}: ${stderr}`)
    t.match(stderr, error)
    t.notMatch(stderr, /\x1b|\x07/)
    t.same(seen, [])
  }
})

t.test('a wrong command line starts nothing in the worker and sends no request', async t => {
  const { code, seen } = await ask(['--no-such-option', 'a prompt'])
  t.equal(code, 2)
  t.strictSame(seen, [])
  const clients = async () =>
    (
      await stack.inside(['pgrep', '-fc', 'claude-secure-run$'], { service: 'worker' })
    ).stdout.trim()
  await until('the client to be gone', async () => (await clients()) === '0')
})

t.test('hostile prompts are treated as prompts only', async t => {
  const prompts = [
    '- a list item',
    '--settings={"hooks":{"SessionStart":[{"hooks":[{"type":"command","command":"touch /workspace/owned"}]}]}}',
    '--help',
    'list',
    '\x1b]0;owned\x07\x1b[31mred',
    '$(touch /workspace/owned) `id` ; | & "',
    '"},"type":"control_request',
    'line one\nline two\r\n\ttabbed',
    '\u202eright to left',
  ]
  for (const prompt of prompts) {
    const { code, stderr, seen } = await ask(['--no-continue', '--', prompt])
    t.equal(code, 0, stderr)
    t.ok(seen[0]?.texts.includes(prompt), `${JSON.stringify(prompt)} arrived`)
  }
  const zero = await ask(['--no-continue'], { input: 'before\0after' })
  t.ok(
    zero.seen[0]?.texts.some(text => text.includes('before\0after')),
    zero.stderr,
  )
  await writeFile(join(stack.workspace, 'latin1.txt'), Buffer.from('caf\xe9 \xff\xfe', 'latin1'))
  const latin = await ask(['--no-continue', '--prompt-file', 'latin1.txt'])
  t.ok(
    latin.seen[0]?.texts.some(text => text.includes('caf\ufffd')),
    latin.stderr,
  )
  t.equal((await stack.inside(['ls', '/workspace/owned'])).code, 2, 'nothing of it was run')
})

t.test('a long prompt arrives whole; one that is too long for every model is reported', async t => {
  const { code, stderr, seen } = await ask(['--no-continue'], { input: 'x'.repeat(1_000_000) })
  t.equal(code, 0, stderr)
  t.ok(seen[0]?.texts.some(text => text.length === 1_000_000))
  const huge = await ask(['--no-continue'], { input: 'x'.repeat(10_000_000) })
  t.equal(huge.code, 1, 'Claude Code was asked, and judged it')
  t.match(huge.stderr, /Prompt is too long\nhint: {2}shorten the prompt/)
  const longer = await ask([], { input: 'x'.repeat(10 * 1024 * 1024 + 1) })
  t.equal(longer.code, 2)
  t.match(longer.stderr, /longer than 10 MiB/)
})

t.test('limits on turns and cost end a run with a hint', async t => {
  const prompt = '[[bash echo hi]] [[say late]]'
  const turns = await ask(['--no-continue', '--max-turns', '1', prompt])
  t.equal(turns.code, 1)
  t.match(turns.stderr, /maximum number of turns \(1\)[\s\S]*--max-turns/)
  const cost = await ask(['--no-continue', '--max-budget-usd', '0.000001', prompt])
  t.equal(cost.code, 1)
  t.match(cost.stderr, /maximum budget[\s\S]*--max-budget-usd/)
})

t.test('refused names are listed after the run, except with --quiet', async t => {
  // The proxy writes a line some time after its answer.
  const wait = 'until test -e seen; do sleep 0.2; done'
  const prompt = `[[bash curl -sS https://evil.test/; ${wait}]] [[say done]]`
  const asked = ask([prompt])
  await until('the line', async () => {
    const { stdout } = await run('docker', ['logs', stack.container('proxy')])
    return stdout.includes('"evil.test"')
  })
  await writeFile(join(stack.workspace, 'seen'), '')
  const { stdout, stderr } = await asked
  t.equal(stdout, 'done\n')
  t.match(stderr, /evil\.test/)
  const other = prompt.replace('evil', 'other')
  t.equal((await ask(['--quiet', other])).stderr, '')
})

t.test('a pipe gets the raw text, a terminal gets it without escapes', async t => {
  t.equal((await ask(['[[say \x1b[31mred\x1b[0m]]'])).stdout, '\x1b[31mred\x1b[0m\n')
  // The terminal of the test loses its first line when the program has ended.
  const terminal = await stack.terminal(['run', '[[say first\n\x1b[31mred\x1b[0m]]'])
  t.equal(await terminal.exitStatus(), 0)
  t.match(await terminal.screen(), /^red$/m)
})

t.test('it works in pipelines and without anything on stdin', async t => {
  const shell = (command: string) =>
    run('bash', ['-c', `set -o pipefail; ${command}`, 'bash', claude], {
      cwd: stack.workspace,
      env: stack.env,
    })
  t.equal((await shell('echo "[[say piped]]" | "$1" run | tr a-z A-Z')).stdout, 'PIPED\n')
  t.same(await shell('"$1" run "[[say closed]]" <&-'), { code: 0, stdout: 'closed\n', stderr: '' })
  t.equal((await shell('"$1" run "[[say null]]" < /dev/null')).stdout, 'null\n')
  const cut = await shell('echo "[[say abc]]" | "$1" run --output-format stream-json | head -c1')
  t.equal(cut.stdout, '{')
  t.equal(cut.stderr, '')
  t.equal(cut.code, 141, 'the status of a program whose reader exited')
  t.match(await shell('"$1" run "[[say unread]]" | true'), { code: 141, stderr: '' })
  t.match(await shell('"$1" run "[[say read]]" | cat'), { code: 0, stdout: 'read\n' })
  t.equal((await shell('"$1" run --max-turns 1 "[[bash echo hi]] [[say x]]" | cat')).code, 1)
})

t.test('it works from cron: no terminal, no user session, almost no environment', async t => {
  const { HOME = '', XDG_STATE_HOME = '' } = stack.env
  const env = {
    ...{ HOME, XDG_STATE_HOME, LOGNAME: 'root', SHELL: '/bin/sh' },
    // A cron's own path, and the Node.js of this machine, wherever it is.
    PATH: `/usr/bin:/bin:${dirname(process.execPath)}`,
  }
  const line = 'cd "$1" && "$2" run --quiet --no-continue --prompt-file morning.md >> "$3" 2>&1'
  const log = join(stack.workspace, 'morning.log')
  await writeFile(join(stack.workspace, 'morning.md'), '[[say Gr\u00fc\u00dfe]]')
  const args = ['--wait', '/bin/sh', '-c', line, 'sh', stack.workspace, claude, log]
  t.match(await run('setsid', args, { env }), { code: 0, stdout: '', stderr: '' })
  t.equal(await readFile(log, 'utf8'), 'Gr\u00fc\u00dfe\n')
})

t.test(
  'each run has its own tokens and cost in usage, also where one process served several',
  async t => {
    const results: { runId: string; costUsd: number }[] = []
    for (const prompt of ['[[say one]]', '[[say two]]', '[[say three]]']) {
      const { code, stderr } = await stack.cli(['run', prompt])
      t.equal(code, 0, stderr)
      const [last] = JSON.parse((await stack.cli(['run', 'list', '--json'])).stdout)
      results.push(last)
    }
    type Row = { meter: string; requests: number; outputTokens: number; costUsd: number }
    const rowOf = async (id: string) => {
      const { stdout } = await stack.cli(['usage', '--json'])
      return (JSON.parse(stdout).stacks[0].runs as Row[]).find(({ meter }) => meter === id)
    }
    for (const { runId, costUsd } of results) {
      const row = await until('the gateway to have written it', () => rowOf(runId))
      t.ok(row.requests > 0 && row.costUsd > 0, JSON.stringify(row))
      t.ok(Math.abs(row.costUsd - costUsd) < 1e-9, `${row.costUsd} here, ${costUsd} by Claude Code`)
    }
  },
)

t.test('a run has a placeholder of its own, and cannot read what it is made with', async t => {
  const answer = async (command: string) => (await ask([], { input: `[[bash ${command}]]` })).stdout
  t.match(await answer('cat /run/secrets/meter-key; true'), /Permission denied/)
  // Claude Code keeps it from the environment of its tools.
  const all = await answer("cat /proc/[0-9]*/environ 2>&1 | tr '\\0' ' '")
  t.match(all, /Permission denied/, 'the runner')
  t.match(all, /sk-ant-(api03|oat01)-placeholder-meter-[0-9a-f]{16}-[\w-]{64} /, 'its claude')
  t.notMatch(all, /sk-ant-\w+-placeholder-(?!meter-)|RUNNER_METER_KEY_FILE/)
})

t.test('a run and a session work at the same time and share no conversation', async t => {
  const terminal = await stack.terminal(['start', '--no-continue'])
  await terminal.waitFor(/^\s*[│>❯]/m)
  await terminal.submit('[[say from the session]]')
  await terminal.waitFor(/^● from the session/m)
  const { stdout, seen } = await ask(['--output-format', 'json', '[[say from the run]]'])
  t.match(JSON.parse(stdout), { result: 'from the run' })
  // The session asks for things by itself, such as a title.
  const own = seen.filter(({ texts }) => texts.some(text => text.includes('from the run')))
  t.ok(own.length > 0)
  t.notMatch(JSON.stringify(own.map(({ texts }) => texts)), /from the session/)
  t.notMatch(await terminal.screen(), /from the run/)
  await terminal.submit('/exit')
  await terminal.exitStatus()
})

t.test('no prompt is in an argument of any process of the worker', async t => {
  const secret = 'a-prompt-nobody-reads-in-ps'
  const list = "[[bash cat /proc/[0-9]*/cmdline | tr '\\0' ' ']]"
  const { stdout } = await ask([], { input: `${list} ${secret}` })
  t.notMatch(stdout, secret)
  t.match(stdout, /claude/, 'the arguments were seen')
})
